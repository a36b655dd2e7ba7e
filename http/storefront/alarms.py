"""The alarms of a deployment: what each means, what people notice, what to do. One table for the operator's page, for
Prometheus' rules (deploy/prometheus/alerts.yml) and for docs/operating/alarms.md, which are made of it.

It notifies nobody: Prometheus' Alertmanager does, and whoever looks at the page.
"""

from typing import Literal

import msgspec

Severity = Literal["critical", "warning"]


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm."""

    name: str
    severity: Severity
    """critical: people are hurt now, or will be within minutes. warning: something that bears one fault less than it should."""
    means: str
    people: str
    """What viewers, bidders and hosts notice."""
    todo: str
    query: str
    """What Prometheus asks; any answer is an alarm."""
    after: str = "0m"
    """How long it has to last."""


CLOCK_APART_MS = 500
"""The log refuses what is a second off its server's clock (faults.md, row 17); half of that is time to act."""
LAG_MS = 10_000
"""A sale is final once it is recorded; people wait for that."""
BACKLOG_SHARE = 0.5
"""Of `unrecorded_max`, at which new commands are refused."""
LATE_MS = 250
SILENT_MS = 2_500
FULL_SHARE = 0.9
JOBS_STAND_MS = 120_000
"""A job that could run waits for a moment when all is well; mails and charges can bear two minutes."""

ALARMS: tuple[Alarm, ...] = (
    Alarm(
        name="NodeUnreachable",
        severity="warning",
        means="Prometheus cannot fetch a node's numbers: it died, hangs, or the way to it is cut.",
        people="Its viewers reconnect to other nodes within seconds and miss nothing. With one node: nobody gets in.",
        todo="Look whether the process runs, and at its last log lines. `serve` starts dead workers again by itself; a service "
        "manager has to start `serve` again.",
        query='up{job="liveserver"} == 0',
        after="1m",
    ),
    Alarm(
        name="NodeSilent",
        severity="warning",
        means="A process has not told the registry that it lives for several beats of a second each.",
        people="Nothing yet. If it does not come back its viewers reconnect elsewhere.",
        todo="If others are silent too, look at PostgreSQL. Else look at the process: is its machine overloaded or cut off?",
        query='count(liveserver_info) > scalar(max(liveserver_nodes{kind="serving"}))',
        after="1m",
    ),
    Alarm(
        name="EngineAway",
        severity="critical",
        means="PostgreSQL or Redis does not answer a process that needs it.",
        people="Redis away: bids, chat and everything else in shows are answered `unavailable`; lots pause. PostgreSQL away: shows "
        "go on and bids are taken, but sales stay provisional, and nobody can sign in, plan shows or open pages.",
        todo="Bring the engine back; nothing has to be done here then. If only some processes miss it, look at the network between "
        "them. An engine that came back empty needs nothing either: the logs are seeded anew from the record.",
        query="liveserver_engine_up == 0",
        after="10s",
    ),
    Alarm(
        name="ClockApart",
        severity="critical",
        means="The clocks of a machine and of an engine differ by more than half a second.",
        people="At one second the log takes nothing from that node (`paused`): its bidders see the lot stand still.",
        todo="Let NTP (chrony, systemd-timesyncd) set the clock of the machine that is off: the one that differs from most. Never step "
        "a clock by hand during a show; slewing is harmless.",
        query="abs(liveserver_engine_clock_ahead_seconds) - liveserver_engine_answer_seconds / 2 > 0.5",
        after="30s",
    ),
    Alarm(
        name="RecordingBehind",
        severity="critical",
        means="What happened in a show waits for PostgreSQL longer than it should, or too much of it waits.",
        people="Sales stay provisional (“checking…”) until they are recorded. At `LIVESERVER_UNRECORDED_MAX` new bids are refused.",
        todo="Is PostgreSQL slow or full (disk, locks, long queries)? Does the recorder run (`RecorderMissing`)? It catches up by itself "
        "at several thousand commands a second.",
        query=f"max(liveserver_recorder_lag_ms) > {LAG_MS}",
        after="15s",
    ),
    Alarm(
        name="RecorderMissing",
        severity="warning",
        means="No recorder process is in the registry: serving nodes record by themselves.",
        people="Nothing, until it is busy: then bids and flushes wait for the recording that shares their process.",
        todo="`serve` starts it again by itself; its log lines say why it ends. With `LIVESERVER_RECORDER=inside` this is as it should be: "
        "silence the alarm.",
        query='absent(liveserver_nodes{kind="recorder"} > 0)',
        after="1m",
    ),
    Alarm(
        name="RoomHalted",
        severity="critical",
        means="A room on a node is at odds with its show's log and takes nothing. It rebuilds itself; this one did not succeed yet.",
        people="Viewers of the show on that node see it stand still, their commands are answered `unavailable`; on other nodes all is well.",
        todo="Look for `room_halted` and `rebuild_failed` in that node's log (logging.md). If it stays halted, keep the data directory and "
        "the log for us, then restart the node: its viewers go elsewhere.",
        query="liveserver_rooms_halted > 0",
        after="10s",
    ),
    Alarm(
        name="NodesDisagree",
        severity="warning",
        means="Nodes that follow the same show are in different epochs of its log.",
        people="After a Redis that was lost or failed over: viewers are given a fresh snapshot, once. Nothing else.",
        todo="It passes within seconds. If not, look for `catch_up_failed` and `reopen_failed` on the node that is behind.",
        query='increase(liveserver_appends_refused_total{code=~"FENCED|NOLOG"}[5m]) > 0',
        after="1m",
    ),
    Alarm(
        name="LoopLate",
        severity="warning",
        means="A process comes to its work a quarter of a second late: it has more to do than one core gives.",
        people="Bids and events of its viewers come late by that much.",
        todo="Add nodes or workers; viewers spread as they reconnect (or restart this node to make them). Look at `cpu_share` and "
        "`gc_longest_seconds`.",
        query=f"liveserver_loop_late_seconds > {LATE_MS / 1000}",
        after="30s",
    ),
    Alarm(
        name="NodeFull",
        severity="warning",
        means="A node has nearly as many connections as it may have (`LIVESERVER_CONNECTIONS_MAX`).",
        people="Past the limit newcomers are closed with 4004 (`full`) and try another node after a random wait.",
        todo="Add nodes, or raise the limit where memory allows (docs/operating: sizing).",
        query="liveserver_connections > 18000",
        after="1m",
    ),
    Alarm(
        name="ReleasesMixed",
        severity="warning",
        means="Processes of several releases, or several versions of Python, run side by side.",
        people="Nothing: that is what a rolling upgrade looks like.",
        todo="Finish the upgrade. New kinds of lots and commands are offered only once all nodes know them.",
        query="count(count by (release, python) (liveserver_info)) > 1",
        after="30m",
    ),
    Alarm(
        name="BidsSlow",
        severity="critical",
        means="One bid in a hundred takes longer than 250 ms into the log.",
        people="Buttons stay pressed; in the last seconds of a lot bids may come too late.",
        todo="Redis fsyncs every batch: is its disk slow or shared? Do replicas lag (`replicas_behind` in the log)? Is the network to it slow "
        "(`engine_answer_seconds`)?",
        query="histogram_quantile(0.99, sum by (le) (rate(liveserver_append_seconds_bucket[1m]))) > 0.25",
        after="1m",
    ),
    Alarm(
        name="CommandsUnavailable",
        severity="critical",
        means="Commands are answered `unavailable` or `paused`: they could not be put into the log in time.",
        people="“The show cannot take this right now. Try again in a moment.”",
        todo="Look at the other alarms (EngineAway, ClockApart, RecordingBehind): one of them is the cause.",
        query='sum(rate(liveserver_outcomes_total{outcome=~"unavailable|paused"}[1m])) > 0.2',
        after="15s",
    ),
    Alarm(
        name="ViewersCutOff",
        severity="warning",
        means="Many connections are closed because their viewers read too slowly, or because the server failed.",
        people="They reconnect by themselves and resume; whoever is cut off again and again sees a show that stutters.",
        todo="Cause `too_slow`: is the way out of this machine full (its network card, a proxy that buffers)? Cause `internal`: the log "
        "says what failed (`message_failed`).",
        query='sum by (cause) (rate(liveserver_closes_total{cause=~"too_slow|internal"}[5m])) > 1',
        after="2m",
    ),
    Alarm(
        name="GapsMany",
        severity="warning",
        means="Entries come with others missing before them: messages between Redis and nodes are lost. They are fetched.",
        people="Events come some milliseconds later. None is missed.",
        todo="Look for `feed_lost` in the log; a subscriber that is too slow is cut off by Redis (client-output-buffer-limit pubsub).",
        query="rate(liveserver_gaps_total[5m]) > 1",
        after="5m",
    ),
    Alarm(
        name="JobsStandStill",
        severity="critical",
        means="Jobs that could run have waited for two minutes: nobody runs them, or slower than they come.",
        people="Winners are not charged, refunds not sent, mails late. Nothing is lost: all of it is done once jobs run again.",
        todo="Does a recorder process live (RecorderMissing)? Else look for `jobs_interrupted` and `jobs_broken` in its log. When they run but "
        "are too slow, see on /admin/jobs which kind, and raise LIVESERVER_JOBS_AT_ONCE.",
        query="max(liveserver_jobs_oldest_due_seconds) > 120",
        after="1m",
    ),
    Alarm(
        name="JobsDead",
        severity="warning",
        means="Jobs have failed for good: as often as they are tried, or in a way that can't get better by itself.",
        people="Something that was promised is not done: a mail, a charge, a refund. /admin/jobs says which.",
        todo="Read the error on /admin/jobs. Mend the cause and let them be tried again, or drop them: doing one twice does no harm.",
        query='max by (kind) (liveserver_jobs{state="dead"}) > 0',
    ),
    Alarm(
        name="BooksDiffer",
        severity="warning",
        means="The payment provider's books and ours do not say the same, or ours are not sound in themselves.",
        people="Nothing by itself: no one is paid or charged differently because of it.",
        todo="/admin/money names each difference. Nothing is mended by itself: find the cause (docs/operating/ledger.md says where to "
        "look), mend it, and compare again. The alarm ends with the next comparison in which nothing differs.",
        query="max(liveserver_reconciliation_differences) > 0",
    ),
)
BY_NAME = {alarm.name: alarm for alarm in ALARMS}
