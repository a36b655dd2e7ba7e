"""What the server's own Valkey user may and may not do, command by command, on the embedded Valkey."""

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

LIBRARY = "#!lua name=test_v1\nserver.register_function('test_v1_add', function(keys) return server.call('INCR', keys[1]) end)"

REFUSED = [
    "EVAL|return 1|0",
    "EVALSHA|e0e1f9fabfc9d4800c877a703b823ac0578ff8db|0",
    "EVAL_RO|return 1|0",
    "SCRIPT|LOAD|return 1",
    "SCRIPT|FLUSH",
    "FUNCTION|FLUSH",
    "FUNCTION|DELETE|test_v1",
    "FUNCTION|RESTORE|x",
    "FUNCTION|KILL",
    "FLUSHALL",
    "FLUSHDB",
    "SWAPDB|0|1",
    "CONFIG|SET|maxmemory-policy|allkeys-lru",
    "CONFIG|REWRITE",
    "SHUTDOWN|NOSAVE",
    "REPLICAOF|NO|ONE",
    "FAILOVER|ABORT",
    "SAVE",
    "BGREWRITEAOF",
    "ACL|LIST",
    "ACL|SETUSER|default|on",
    "MODULE|LIST",
    "MIGRATE|host|1|key|0|1",
    "CLIENT|KILL|TYPE|normal",
    "MONITOR",
    "KEYS|*",
    "CLUSTER|RESET",
]

ALLOWED = [
    "PING",
    "TIME",
    "INFO|server",
    "CONFIG|GET|appendfsync",
    "FUNCTION|LIST",
    "FCALL|test_v1_add|1|n",
    "XADD|log|*|field|value",
    "XTRIM|log|MAXLEN|10",
    "HSET|meta|epoch|1",
    "PUBLISH|channel|x",
    "SPUBLISH|channel|x",
    "WAITAOF|1|0|10",
    "CLIENT|SETNAME|node",
    "EXPIRE|log|10",
    "DEL|log",
]


@pytest.mark.parametrize("command", REFUSED)
async def test_the_server_may_not(command: str, redis: Redis):
    await redis.function_load(LIBRARY)
    with pytest.raises(NoPermissionError):
        await redis.execute_command(*command.split("|"))


async def test_the_server_may_not_debug(redis: Redis):
    # Valkey refuses this one before it looks at rights, unless configured otherwise.
    with pytest.raises(ResponseError, match="DEBUG command not allowed"):
        await redis.execute_command("DEBUG", "SLEEP", "0")


@pytest.mark.parametrize("command", ALLOWED)
async def test_the_server_may(command: str, redis: Redis):
    await redis.function_load(LIBRARY)
    await redis.execute_command(*command.split("|"))


async def test_nobody_gets_in_without_a_password(redis_url: str):
    anonymous = Redis.from_url("unix://" + redis_url.partition("@")[2], protocol=2)
    with pytest.raises(RedisError, match="Authentication required"):
        await anonymous.ping()
    await anonymous.aclose()


async def test_it_keeps_what_it_acknowledges(redis: Redis):
    wanted = {
        b"appendonly": b"yes",
        b"appendfsync": b"always",
        b"aof-load-truncated": b"no",
        b"maxmemory-policy": b"noeviction",
        b"save": b"",
        b"port": b"0",
    }
    told = await redis.config_get(*(name.decode() for name in wanted))
    assert {_bytes(name): _bytes(value) for name, value in told.items()} == wanted


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value
