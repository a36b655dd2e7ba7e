"""All faults, in the order of the table. A group is one file with its functions and its list `FAULTS`; add it here."""

from chaos.faults import clocks, disks, networks, processes, replicas, stores
from chaos.table import Fault

FAULTS: tuple[Fault, ...] = (
    *processes.FAULTS,
    *stores.FAULTS,
    *networks.FAULTS,
    *clocks.FAULTS,
    *disks.FAULTS,
    *replicas.FAULTS,
)
