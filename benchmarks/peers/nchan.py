"""nginx with nchan: pub/sub in C inside nginx, one channel, published to over a WebSocket.

Chosen: one worker (one core is what is compared), messages in memory, a subscriber starts with the newest message and the
buffer holds the last hundred for a minute, so that a viewer who reconnects finds what they missed; `tcp_nodelay` is nginx's
default. A process of its own under its own configuration: the system's nginx service is not touched. nchan has no coalescing.
"""

import os
from pathlib import Path

import msgspec

from benchmarks.peers.messages import CHAT
from benchmarks.peers.model import Frame, Setting, Speech
from benchmarks.peers.process import OWN_DESCRIPTORS, Server, descriptors_for, first_line, lacking, launch

PACKAGE = "libnginx-mod-nchan"
ADVICE = f"Debian: apt-get install nginx {PACKAGE}"
MODULE_PLACES = (Path("/usr/lib/nginx/modules"), Path("/usr/lib64/nginx/modules"), Path("/etc/nginx/modules"))

CONFIGURATION = """\
daemon off;
{user}
worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {folder}/nginx.pid;
error_log stderr warn;
load_module {module};
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    nchan_message_buffer_length 100;
    nchan_message_timeout 1m;
    server {{
        listen 127.0.0.1:{port} backlog=2048;
        location = / {{ nchan_subscriber websocket; nchan_channel_id show; nchan_subscriber_first_message newest; }}
        location = /publish {{ nchan_publisher websocket; nchan_channel_id show; }}
    }}
}}
"""


class Nchan(msgspec.Struct, frozen=True):
    """nginx with nchan as a `Peer`."""

    name: str = "nchan"
    title: str = "nginx + nchan (C)"
    work: str = "fanout"

    def missing(self) -> str:
        return lacking(("nginx",), ADVICE) or (
            "" if module() else f"nginx's nchan module is not installed ({ADVICE})"
        )

    def version(self) -> str:
        nginx = first_line("nginx", "-v", of=lambda said: said.rpartition("/")[2])
        asked = ["dpkg-query", "--show", "--showformat=${Version}", PACKAGE]
        nchan = first_line(*asked) if module() else ""
        return f"nginx {nginx}" + (f", nchan {nchan}" if nchan else "") if nginx else ""

    def start(self, setting: Setting, core: int) -> Server:
        """See `Peer.start`."""
        setting.folder.mkdir(parents=True, exist_ok=True)
        configuration = setting.folder / "nginx.conf"
        configuration.write_text(
            CONFIGURATION.format(
                # As root, nginx would drop its worker to a user who may not enter the folder.
                user="user root;" if os.geteuid() == 0 else "",
                descriptors=descriptors_for(setting.connections),
                folder=setting.folder,
                module=module(),
                connections=setting.connections + OWN_DESCRIPTORS,
                port=setting.port,
            )
        )
        argv = ["nginx", "-e", "stderr", "-p", str(setting.folder), "-c", str(configuration)]
        speech = Speech(say=Frame(CHAT), publish_path="/publish")
        return launch(argv, setting, core, speech, workers_min=1)


def module() -> Path | None:
    """Where the distribution put nchan's shared object."""
    return next((file for place in MODULE_PLACES if (file := place / "ngx_nchan_module.so").exists()), None)


PEER = Nchan()
