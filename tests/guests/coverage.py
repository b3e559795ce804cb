# SPDX-License-Identifier: MIT
"""Does the liars' table have a row for every call and command of the interface? Reads pv-abi/, liar/ and hv/."""
import glob
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, '..', '..')

# call: (header, prefix of its commands, prefixes or names that are no commands)
FAMILIES = {
    'memory_op': ('memory.h', 'XENMEM_', ('XENMEM_paging_op_', 'XENMEM_access_op_', 'XENMEM_sharing_op_',
                                          'XENMEM_resource_', 'XENMEM_RDM_')),
    'event_channel_op': ('event_channel.h', 'EVTCHNOP_', ()),
    'grant_table_op': ('grant_table.h', 'GNTTABOP_', ('GNTTABOP_error_msgs',)),
    'sched_op': ('sched.h', 'SCHEDOP_', ('SCHEDOP_block',)),  # block takes nothing, and waits
    'vcpu_op': ('vcpu.h', 'VCPUOP_', ()),
    'mmuext_op': ('xen.h', 'MMUEXT_', ()),
    'mmu_update': ('xen.h', 'MMU_', ()),
    'physdev_op': ('physdev.h', 'PHYSDEVOP_', ('PHYSDEVOP_DBGP_', 'PHYSDEVOP_pirq_eoi_gmfn_v0')),
    'platform_op': ('platform.h', 'XENPF_', ('XENPF_INTERFACE_VERSION', 'XENPF_ACPI_')),
    'xen_version': ('version.h', 'XENVER_', ()),
    'callback_op': ('callback.h', 'CALLBACKOP_', ()),
    'nmi_op': ('nmi.h', 'XENNMI_', ()),
    'console_io': ('xen.h', 'CONSOLEIO_', ()),
    'vm_assist': ('xen.h', 'VMASST_CMD_', ()),
    'sysctl': ('sysctl.h', 'XEN_SYSCTL_', ('XEN_SYSCTL_INTERFACE_VERSION', 'XEN_SYSCTL_CPUPOOL_', 'XEN_SYSCTL_PHYSCAP_',
                                          'XEN_SYSCTL_cpu_', 'XEN_SYSCTL_SCHEDOP_')),
    'domctl': ('domctl.h', 'XEN_DOMCTL_', ('XEN_DOMCTL_INTERFACE_VERSION', 'XEN_DOMCTL_SENDTRIGGER_',
                                          'XEN_DOMCTL_PFINFO_', 'XEN_DOMCTL_GRANT_', 'XEN_DOMCTL_SCHEDOP_')),
    'set_segment_base': ('arch-x86.h', 'SEGBASE_', ()),
}


def read(path):
    with open(os.path.join(ROOT, path)) as f:
        return f.read()


def commands(header, prefix, without):
    """Names with a number of their own; aliases (a name for a name) are left out."""
    found = re.findall(rf'^#define\s+({prefix}\w+)\s+(?:\(?)(\d+|0x[0-9a-fA-F]+)\b', read('pv-abi/xen/' + header), re.M)
    return [n for n, _ in found if not any(n.startswith(w) for w in without)]


def rows():
    """(call, command) of every ROW, NONE and helper macro, and the calls of KILL lines."""
    have = set()
    for path in glob.glob(HERE + '/liar/rows_*.c') + [HERE + '/liar/kill.c']:
        with open(path) as f:
            text = f.read()
        have |= {(c, s) for c, s in re.findall(r'\b(?:ROW|NONE)\(\s*(\w+),\s*(\w+)', text)}
        have |= {('mmuext_op', s) for s in re.findall(r'\b(?:PIN|FLUSH|MULTI)_ROW\((\w+)\)', text)}
        have |= {(c, '') for c in re.findall(r'\bKILL\(\s*(\w+),', text)}
    return have


def missing():
    """Sentences, one for each call or command without a row."""
    have = rows()
    calls = {c for c, _ in have}
    lacks = []
    for name in re.findall(r'^#define\s+__HYPERVISOR_(\w+)\s+\d+', read('pv-abi/xen/xen.h'), re.M):
        if name not in calls and name != 'arch_7':
            lacks.append(f'no row for the call {name}')
    table = os.path.join(ROOT, 'hv/pv/hypercall.c')
    if os.path.isfile(table):
        for name in set(re.findall(r'\[__HYPERVISOR_(\w+)\]', read('hv/pv/hypercall.c'))):
            if name not in calls:
                lacks.append(f'no row for {name}, which the hypervisor has')
    for call, (header, prefix, without) in FAMILIES.items():
        for command in commands(header, prefix, without):
            if (call, command) not in have:
                lacks.append(f'no row for {call}.{command}')
    return lacks
