#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""System tests: stock kernels booted in QEMU, many checks in each boot.

    boot.py [--full] [--bare] [--list] [--jobs N] [--state FILE] [PATTERN]...
    boot.py demo [--kernel V] [--machine M] [--cpu C] [--smp N] [--memory MIB]

Without --full, only what is marked `ci` is run; a PATTERN (as of a shell) chooses by name
instead. The last line is "N passed, N failed". Consoles are kept in build/test-logs/system.
"""

import argparse
import fnmatch
import gzip
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from machine import SUCCESS, TOP, Machine, end_all
from roots import Roots

BUILD = TOP / 'build'
LOGS = BUILD / 'test-logs/system'
MACHINES = ('pc', 'q35')
CPUS = ('max', 'qemu64', 'EPYC-v1', 'Skylake-Client-v1')
KERNELS = ('6.1', '6.12')

# Needs a hypervisor below: left out on the bare machine.
OF_THE_HYPERVISOR = ('evtchn', 'grants', 'balloon')

SHORT = ('cpus:{smp}', 'mem:{memory}:100', 'fpu', 'faults', 'compat32', 'clock', 'forkstorm:1', 'dmesg')
LONG = ('cpus:{smp}', 'mem:{memory}', 'fpu', 'signals', 'faults', 'ldt', 'debugreg', 'ioports',
        'forkstorm:1', 'mmapstress:4', 'compat32', 'clock', 'evtchn', 'grants', 'balloon', 'hotplug',
        'dmesg')
DISKS_256 = ('disk:virtio', 'disk:ahci', 'disk:nvme', 'net:virtio', 'net:e1000e')


@dataclass(frozen=True)
class Config:
    """One boot. What is not said is the default."""
    name: str
    ci: bool = False             # part of the default run
    machine: str = 'q35'
    cpu: str = 'max'
    smp: int = 2
    memory: int = 1024           # MiB
    kernel: str = '6.1'
    disks: tuple = ()            # kinds; each gets an empty image
    disk_mib: int = 256
    nets: tuple = ()
    checks: tuple = ()           # those of tests/system/initramfs, in this order
    mode: str = 'test'
    append: str = ''             # to the kernel's command line
    hv_append: str = ''          # to the hypervisor's
    ends: str = 'poweroff'       # what init asks for: also reboot
    end: str = 'poweroff'        # what the machine does: also reset, or None
    success: str = ''            # what the console has to say; default: all checks passed
    says: str = ''               # what it has to say besides
    never: str = ''              # what it must not say
    talk: tuple = ()             # (wait for, type)
    monitor: tuple = ()          # (wait for, command of QEMU's monitor)
    hv: str = ''                 # another build of the hypervisor
    nodes: bool = False          # two NUMA nodes
    emulator: str = ''           # another than the installed one
    qemu: tuple = ()             # words for QEMU itself
    first_module: object = None  # a function that makes another file in place of the kernel
    initramfs: str = ''
    via: str = 'direct'          # how the hypervisor is started: direct, pvh, bios, uefi, kexec
    acpi_table: object = None    # a function that makes a table in place of the firmware's; only with bios, uefi
    one_thread: bool = False     # the emulator runs the processors in turn
    timeout: int = 600
    bare: bool = True            # makes sense without a hypervisor, too
    follow: object = Machine     # the class that follows it


def expand(c, words):
    return tuple(w.format(smp=c.smp, memory=c.memory) for w in words)


# -- what a person or a boot loader gets wrong: each gets a sentence, and no guest is started

def truncated(folder, kernel):
    """The first half of a kernel."""
    data = kernel.read_bytes()
    (folder / 'truncated').write_bytes(data[:len(data) // 2])
    return folder / 'truncated'


def corrupt(folder, kernel):
    """A kernel whose packed part is damaged."""
    data = bytearray(kernel.read_bytes())
    for at in range(len(data) // 2, len(data) // 2 + 4096):
        data[at] ^= 0x5a
    (folder / 'corrupt').write_bytes(data)
    return folder / 'corrupt'


def no_kernel(folder, kernel):
    """Something else altogether."""
    (folder / 'text').write_text('This is not a kernel.\n' * 1000)
    return folder / 'text'


def empty(folder, kernel):
    (folder / 'empty').write_bytes(b'')
    return folder / 'empty'


def elf(folder, name, elf_class, machine):
    """A minimal ELF program: one header, one segment, no notes."""
    wide = elf_class == 2
    header = struct.pack('<4sBBB9xHHI', b'\x7fELF', elf_class, 1, 1, 2, machine, 1)
    if wide:
        header += struct.pack('<QQQIHHHHHH', 0x100000, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        header += struct.pack('<IIQQQQQQ', 1, 5, 0, 0x100000, 0x100000, 0x1000, 0x1000, 0x1000)
    else:
        header += struct.pack('<IIIIHHHHHH', 0x100000, 52, 0, 0, 52, 32, 1, 0, 0, 0)
        header += struct.pack('<IIIIIIII', 1, 0, 0x100000, 0x100000, 0x1000, 0x1000, 5, 0x1000)
    (folder / name).write_bytes(header.ljust(0x1000, b'\xf4'))
    return folder / name


def without_notes(folder, kernel):
    return elf(folder, 'without-notes', 2, 62)


def of_32_bits(folder, kernel):
    return elf(folder, 'of-32-bits', 1, 3)


def madt_with_a_ghost():
    """QEMU's MADT for two processors, and a third that is not there, before the second."""
    entries = b''.join(struct.pack('<BBBBI', 0, 8, n, apic_id, 1) for n, apic_id in enumerate((0, 77, 1)))
    entries += struct.pack('<BBBBII', 1, 12, 0, 0, 0xfec00000, 0)
    entries += b''.join(struct.pack('<BBBBIH', 2, 10, 0, irq, gsi, flags)
                        for irq, gsi, flags in ((0, 2, 0), (5, 5, 13), (9, 9, 13), (10, 10, 13), (11, 11, 13)))
    table = struct.pack('<4sIBB6s8sI4sIII', b'APIC', 44 + len(entries), 1, 0, b'PAVISE', b'GHOST   ', 1, b'TEST', 1,
                        0xfee00000, 1) + entries
    return table[:9] + bytes([-sum(table) & 0xff]) + table[10:]


def refused(name, says, **more):
    """A start that ends with a sentence in which this is said, and a reset."""
    more = {'end': 'reset', **more}
    return Config(name='refused-' + name, success=r'(cannot start|error|Pavise): .*\b(' + says + r')',
                  never='INIT-REACHED|Pavise stops', timeout=120, bare=False, **more)


REFUSALS = (
    refused('no-module', 'no kernel for', ci=True, first_module=lambda folder, kernel: None),
    refused('truncated', 'cut short', ci=True, first_module=truncated),
    refused('corrupt', 'are damaged', ci=True, first_module=corrupt),
    refused('no-kernel', 'neither a bzImage nor', ci=True, first_module=no_kernel),
    refused('empty', 'is empty', first_module=empty),
    refused('without-notes', 'no Xen ELF notes', ci=True, first_module=without_notes),
    refused('32-bit', 'a 32-bit one', ci=True, first_module=of_32_bits),
    refused('little-memory', 'too little memory', ci=True, memory=48),
    refused('processor', 'no NX bit', ci=True, cpu='qemu64,-nx', end=None),
    Config(name='refused-halts', ci=True, success='Halted', never='INIT-REACHED|Rebooting', end=None,
           hv_append='noreboot', first_module=no_kernel, timeout=120, bare=False),
)

FOR_GUESTS = 192             # MiB: that the privileged domain leaves to those it makes; also in scripts/demo


def makes_guests(kernel):
    """How the privileged domain is started when our toolstack is to make guests in it."""
    return {'initramfs': f'build/guests/{kernel}/pavise.gz', 'hv_append': f'dom0_mem=-{FOR_GUESTS}M'}


CONFIGS = (
    # Every device of interest at once, the sizes that the issue names, 4 processors.
    Config(name='devices', ci=True, smp=4, disks=('virtio', 'ahci', 'nvme'), nets=('virtio', 'e1000e'),
           checks=('cpus:4', *DISKS_256, 'dmesg'), timeout=900),
    # All that is not a device; the first on the old machine, without AVX or SMAP to speak of.
    Config(name='old-machine', ci=True, machine='pc', cpu='qemu64', smp=2, disks=('ide', 'virtio'),
           disk_mib=32, nets=('e1000e', 'virtio'), checks=(*LONG[:-1], 'disk:ide:32', 'disk:virtio:32',
                                                           'net:e1000e:4', 'net:virtio:4', 'dmesg')),
    Config(name='newer-kernel', ci=True, kernel='6.12', cpu='EPYC-v1', smp=4, checks=LONG),
    Config(name='one-processor', ci=True, cpu='Skylake-Client-v1', smp=1, checks=SHORT, ends='reboot',
           end='reset'),
    Config(name='shell', ci=True, mode='shell', smp=1, timeout=150, success=r'^answer 4242',
           talk=((r'pavise# $', 'echo answer $((42*101))\n'), (r"answer 4242\s+pavise# $", 'poweroff\n'))),
    Config(name='unknown-option', ci=True, smp=1, mode='none', bare=False,
           hv_append='no_such_option=1', success='no_such_option is unknown and ignored'),
    Config(name='panic', ci=True, smp=2, mode='none', ends='panic', end='reset',
           success='Kernel panic - not syncing: sysrq'),
    # All mitigations. Two roots a guest: what they have is looked at while it runs; the other kernel, other processors.
    Config(name='xpti', ci=True, smp=4, hv_append='spec-ctrl=yes xpti=yes', checks=('cpus:4', 'compat32', 'debugreg', 'ldt', 'dmesg'),
           follow=Roots, bare=False),
    *(Config(name=f'xpti-{cpu.split("-")[0]}', cpu=cpu, smp=4, kernel='6.12', hv_append='spec-ctrl=yes xpti=yes', checks=LONG,
             bare=False) for cpu in CPUS),
    # In turn: QEMU 7.2 itself runs stale text otherwise (docs/security-tests.md).
    Config(name='textpatch', ci=True, smp=2, cpu='Skylake-Client-v1', hv_append='xpti=yes',
           one_thread=True, checks=('textpatch:5', 'dmesg')),
    *(Config(name=f'textpatch-{cpu.split("-")[0]}-{kernel}-xpti-{xpti}', smp=4, kernel=kernel, cpu=cpu,
             hv_append=f'xpti={xpti}', one_thread=True, checks=('textpatch:60', 'dmesg'), timeout=1200)
      for cpu in ('max', 'Skylake-Client-v1') for kernel in KERNELS for xpti in ('no', 'yes')),
    # Debian's toolstack makes, watches and ends domains.
    Config(name='xl', smp=2, nodes=True, memory=1536, mode='xl', initramfs='build/guests/tools/initramfs.gz', timeout=900,
           hv_append='dom0_mem=640M', success=r'TESTS-DONE \d+ passed, 0 failed', never=r'TEST \S+ FAIL', bare=False),
    # Ours makes a stock guest, as in scripts/demo.
    Config(name='guest', ci=True, checks=('guest', 'dmesg'), timeout=900, bare=False, **makes_guests('6.1')),
    Config(name='small', smp=1, memory=384, checks=('mem', 'forkstorm:1', 'dmesg')),
    Config(name='large', smp=2, memory=6144, checks=('mem', 'forkstorm:1', 'dmesg')),
    Config(name='reboot', smp=4, mode='none', ends='reboot', end='reset', success='INIT-REACHED'),
    # The ways to be started; all the others here are by QEMU's own loader.
    *(Config(name=f'via-{via}', via=via, machine=machine, checks=('cpus:2', 'mem:768:100', 'dmesg'), memory=768,
             says=says, bare=False)
      for via, machine, says in (('bios', 'pc', r'Started by GRUB.*\(multiboot2\)'), ('pvh', 'q35', r'\(PVH\)'),
                                 ('uefi', 'q35', r'Started by GRUB.*EFI memory map'))),
    Config(name='via-kexec', via='kexec', mode='kexec', smp=1, memory=1536, 
           says=r'Started by kexec.*\(multiboot\)', bare=False),
    Config(name='absent-processor', via='bios', machine='pc', acpi_table=madt_with_a_ghost, mode='none', bare=False,
           says=r'(?s)processor with APIC id 77 does not come up; going on without it.*\] 2 processors'),
    Config(name='late-processor', smp=3, hv='pavise-test.elf', hv_append='stays_out=1', mode='none', bare=False,
           says=r'(?s)processor with APIC id 1 does not come up; going on without it.*\] 2 processors'),
    # What the machine can do to us. Bank 3: an error that a scrubber found, then one that took the processor's state.
    Config(name='watchdog', hv='pavise-test.elf', mode='none', ends='stay', hv_append='watchdog', bare=False,
           talk=((r'INIT-REACHED', '\x01\x01\x01H'),), end='reset', success='processor 0 has stood still for 5 s'),
    Config(name='machine-check', checks=('cpus:2', 'dmesg'), says='machine check, bank 3: status 0xbd000000000000c0',
           monitor=((r'INIT-REACHED', 'mce 0 3 0xbd000000000000c0 5 0x1000 0x8c'),), bare=False),
    Config(name='machine-check-fatal', mode='none', ends='stay', end='reset', success='Pavise stops: machine check',
           monitor=((r'INIT-REACHED', 'mce 0 3 0xbf800000000000c0 5 0x1000 0x8c'),), bare=False),
    # Sizes: a hole of a terabyte in memory; many processors; much memory (lazily: the host needs less).
    Config(name='hole', cpu='max,phys-bits=46', memory=3584, qemu=('-m', 'size=3584M,slots=2,maxmem=1016G'),
           says='0x010000000000-0x010060000000 RAM', hv_append='loglvl=debug', checks=('cpus:2', 'mem:3584:200', 'dmesg'),
           bare=False),
    Config(name='processors-64', smp=64, one_thread=True, hv_append='dom0_max_vcpus=2', checks=('cpus:2', 'dmesg'),
           says=r'\] 64 processors$', bare=False),
    # An id that only an x2APIC can be reached by, where the newer QEMU has been fetched (scripts/fetch emulator).
    *(Config(name='apic-id-299', emulator=str(x), smp=1, checks=('cpus:2', 'dmesg'), says=r'\] 2 processors$', bare=False,
             qemu=('-smp', '1,maxcpus=300,sockets=300,cores=1,threads=1', '-device', 'intel-iommu,intremap=on,eim=on',
                   '-device', 'max-x86_64-cpu,socket-id=299,core-id=0,thread-id=0'))
      for x in (BUILD / 'guests/emulator/qemu',) if x.exists()),
    Config(name='memory-512M', memory=512, checks=('cpus:2', 'mem', 'dmesg')),
    Config(name='memory-20G', memory=20480, smp=1, checks=('mem:20480:200', 'dmesg')),
    *REFUSALS,
    # Everything with everything.
    *(Config(name=f'matrix-{machine}-{cpu.split("-")[0]}-{smp}-{kernel}', machine=machine, cpu=cpu, smp=smp,
             kernel=kernel, checks=SHORT)
      for machine in MACHINES for cpu in CPUS for smp in (1, 2, 3, 4) for kernel in KERNELS),
    *(Config(name=f'devices-{machine}-{cpu.split("-")[0]}-{kernel}', machine=machine, cpu=cpu, smp=4, kernel=kernel,
             disks=('virtio', 'ahci', 'nvme') + (('ide',) if machine == 'pc' else ()),
             nets=('virtio', 'e1000e'), checks=('cpus:4', *DISKS_256, 'dmesg'), timeout=1200)
      for machine in MACHINES for cpu in ('max', 'qemu64') for kernel in KERNELS),
    *(Config(name=f'long-{kernel}', smp=4, kernel=kernel, checks=(
        'forkstorm:10', 'mmapstress:120', *(('hotplug', 'fpu', 'balloon', 'grants', 'evtchn') * 5), 'dmesg'),
        timeout=2400) for kernel in KERNELS),
)


# -- running them

@dataclass
class Run:
    options: object
    passed: int = 0
    failed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def shell_words(c, checks):
    words = ['quiet', f'pavise.mode={c.mode}', f'pavise.end={c.ends}', c.append]
    if checks:
        words.append('pavise.tests=' + ','.join(checks))
    return ' '.join(w for w in words if w)


def boot(c, options, folder, echo=None):
    """Boots one configuration; returns what went wrong, '' for nothing, and the machine."""
    checks = expand(c, c.checks)
    if options.bare:
        checks = tuple(x for x in checks if x.split(':')[0] not in OF_THE_HYPERVISOR)
    arguments = ['--machine', c.machine, '--cpu', c.cpu + options.cpu_flags, '--smp', str(c.smp),
                 '--memory', str(c.memory), '--kernel', c.kernel, '--append', shell_words(c, checks)]
    if options.bare:
        arguments.append('--bare')
    elif options.hv_append or c.hv_append:
        arguments += ['--hv-append', f'{options.hv_append} {c.hv_append}'.strip()]
    if c.one_thread:
        arguments.append('--one-thread')
    if c.nodes:
        arguments.append('--nodes')
    if c.initramfs:
        arguments += ['--initramfs', c.initramfs]
    if c.via != 'direct':
        arguments += started_by(c, folder, arguments)
    if c.hv:
        arguments += ['--hv', str(BUILD / 'hv' / c.hv)]
    if c.first_module:
        kernel = (BUILD / 'guests' / c.kernel / 'vmlinuz').resolve()
        made = c.first_module(folder, kernel)
        arguments += ['--kernel', str(made) if made else 'none', '--initramfs', 'none']
    for kind in c.disks:
        image = folder / f'{kind}.img'
        with open(image, 'wb') as f:
            f.truncate(c.disk_mib << 20)
        arguments += ['--disk', f'{kind}={image}']
    for kind in c.nets:
        arguments += ['--net', kind]
    if len(checks):
        # A line may be torn by a message of the hypervisor; the sum at the end tells then.
        success = rf'TESTS-DONE {len(checks)} passed, 0 failed'
    else:
        success = 'INIT-REACHED'
    if c.qemu:
        arguments += ['--', *c.qemu]
    machine = c.follow(arguments, c.success or success, end=c.end, talk=c.talk, monitor=c.monitor, timeout=c.timeout * options.patience,
                      silence=max(180, c.timeout // 3) * options.patience, log=LOGS / f'{c.name}.log', echo=echo,
                      environment={'QEMU': c.emulator})
    machine.run()
    return verdict(c, machine), machine


HYPERVISOR = Path(os.environ.get('PAVISE_HV', BUILD / 'hv/pavise.elf'))
CONSOLE = 'console=com1 com1=115200'


def started_by(c, folder, arguments):
    """What scripts/qemu has to be told besides, for another start than QEMU's own loader."""
    kernel, initramfs = BUILD / 'guests' / c.kernel / 'vmlinuz', BUILD / 'guests' / c.kernel / 'initramfs.gz'
    line = 'console=hvc0 panic=-1 ' + shell_words(c, expand(c, c.checks))
    if c.via == 'pvh':
        # Loaders of this kind know one module, without words of its own.
        both = folder / 'both'
        both.write_bytes(kernel.read_bytes() + initramfs.read_bytes())
        image = HYPERVISOR.with_name(HYPERVISOR.stem + '-pvh.elf')
        return ['--hv', str(image), '--kernel', 'none', '--', '-initrd', str(both),
                '-append', f'{CONSOLE} {c.hv_append} -- {line}']
    if c.via == 'kexec':
        (folder / 'pavise.elf').write_bytes(HYPERVISOR.read_bytes())
        (folder / 'kexec-words').write_text(f'{CONSOLE} {c.hv_append}')
        added = subprocess.run(['cpio', '-o', '-H', 'newc', '--quiet'], input=b'pavise.elf\nkexec-words\n', cwd=folder,
                               stdout=subprocess.PIPE, check=True).stdout
        added = gzip.compress(added, 1)
        (folder / 'initramfs').write_bytes((BUILD / 'guests/tools/initramfs.gz').read_bytes() + added)
        # Under load QEMU's timer may be late for Linux's check of it.
        return ['--bare', '--initramfs', str(folder / 'initramfs'), '--append', 'no_timer_check']
    image = folder / 'boot.iso'
    table = ()
    if c.acpi_table:
        (folder / 'table').write_bytes(c.acpi_table())
        table = ('--acpi', str(folder / 'table'))
    subprocess.run([str(TOP / 'scripts/iso'), *table, str(image), c.via, str(HYPERVISOR), f'{CONSOLE} {c.hv_append}',
                    f'{kernel} {line}', str(initramfs)], check=True)
    return ['--iso', str(image), *(['--uefi'] if c.via == 'uefi' else [])]


def verdict(c, machine):
    text = machine.text()
    failures = [line.strip() for line in re.findall(r'TEST \S+ FAIL.*', text)]
    if failures:
        more = f' (and {len(failures) - 1} more)' if len(failures) > 1 else ''
        return failures[0] + more
    if c.never and re.search(c.never, text, re.M):
        return f'the console says what it must not: {re.search(c.never, text, re.M).group(0)}'
    if c.says and machine.verdict == SUCCESS and not re.search(c.says, text, re.M):
        return f'the console does not say what it should: {c.says}'
    if machine.verdict != SUCCESS:
        return f'{machine.verdict}: {machine.reason}'
    return ''


def one(run, c):
    folder = BUILD / 'test-tmp' / c.name
    folder.mkdir(parents=True, exist_ok=True)
    try:
        wrong, machine = boot(c, run.options, folder)
        if wrong and not c.one_thread and 'Oops: int3' in machine.text():
            # QEMU 7.2 runs text that is no longer there (docs/security-tests.md): not with processors in turn.
            print(f'again {c.name}, processors in turn: {wrong}', flush=True)
            wrong, machine = boot(replace(c, one_thread=True, timeout=2 * c.timeout), run.options, folder)
    finally:
        for left in folder.iterdir():
            left.unlink()
        folder.rmdir()
    with run.lock:
        if wrong:
            run.failed += 1
            print(f'FAIL {c.name}: {wrong} [{(LOGS / c.name).relative_to(TOP)}.log]', flush=True)
        else:
            run.passed += 1
            print(f'ok   {c.name} ({machine.seconds:.0f} s)', flush=True)
            remember(run.options.state, c.name)


def remember(state, name):
    if state:
        with open(state, 'a', encoding='utf-8') as f:
            f.write(f'system/{name}\n')


def remembered(state):
    if state and os.path.exists(state):
        return set(Path(state).read_text(encoding='utf-8').split())
    return set()


def run_all(run, configs):
    """Boots as many at once as there are processors for: QEMU has a thread for each of its own."""
    room = run.options.jobs
    changed = threading.Condition()
    threads = []
    for c in configs:
        weight = min(c.smp, run.options.jobs)
        with changed:
            changed.wait_for(lambda: room >= weight)
            room -= weight

        def work(c=c, weight=weight):
            nonlocal room
            try:
                one(run, c)
            finally:
                with changed:
                    room += weight
                    changed.notify_all()
        threads.append(threading.Thread(target=work))
        threads[-1].start()
    for t in threads:
        t.join()


def demo(options):
    """What scripts/demo --batch shows."""
    checks = ('cpus:{smp}', f'mem:{options.memory - FOR_GUESTS}:200', 'disk:virtio:64', 'net:virtio:4', 'guest')
    c = Config(name='demo', mode='demo', machine=options.machine, cpu=options.cpu, smp=options.smp,
               memory=options.memory, kernel=options.kernel, disks=('virtio',), disk_mib=64, timeout=900,
               nets=('virtio',), checks=checks, **makes_guests(options.kernel))
    folder = BUILD / 'test-tmp/demo'
    folder.mkdir(parents=True, exist_ok=True)
    wrong, machine = boot(c, options, folder, echo=sys.stdout)
    print(flush=True)
    if wrong:
        print(f'demo: failed: {wrong}', file=sys.stderr)
        return 1
    print(f'demo: {len(checks)} checks passed, powered off after {machine.seconds:.0f} s')
    return 0


def main(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('patterns', nargs='*', metavar='PATTERN')
    p.add_argument('--full', action='store_true')
    p.add_argument('--bare', action='store_true', help='no hypervisor: tells faults of the kernel or QEMU from ours')
    p.add_argument('--list', action='store_true')
    p.add_argument('--jobs', type=int, default=os.cpu_count(), help='processors to use (default: all)')
    p.add_argument('--state', help='file of what has passed: left out, and added to')
    p.add_argument('--cpu-flags', default='', help='added to each CPU model, as ,-smap')
    p.add_argument('--hv-append', default='', help="added to the hypervisor's command line")
    p.add_argument('--patience', type=float, default=1, help='factor for all time limits')
    p.add_argument('--kernel', default='6.1', choices=KERNELS)
    p.add_argument('--machine', default='q35', choices=MACHINES)
    p.add_argument('--cpu', default='max')
    p.add_argument('--smp', type=int, default=2)
    p.add_argument('--memory', type=int, default=1024)
    options = p.parse_args(argv)
    if options.patterns == ['demo']:
        return demo(options)

    if options.patterns:
        configs = [c for c in CONFIGS if any(fnmatch.fnmatch(c.name, x) for x in options.patterns)]
    else:
        configs = [c for c in CONFIGS if c.ci or options.full]
    if options.bare:
        configs = [c for c in configs if c.bare]
    if options.list:
        for c in configs:
            print(f'{c.name:32}{"ci  " if c.ci else "full"} {c.machine:4}{c.cpu:18}{c.smp} {c.kernel:5}'
                  f'{" ".join(expand(c, c.checks)) or c.mode}')
        return 0
    if not configs:
        print(f'no system test is called {" ".join(options.patterns)}', file=sys.stderr)
        return 2
    run = Run(options)
    before = remembered(options.state)
    todo = [c for c in configs if f'system/{c.name}' not in before]
    run.passed = len(configs) - len(todo)
    if run.passed:
        print(f'{run.passed} have passed before and are left out', flush=True)
    start = time.monotonic()
    run_all(run, todo)
    print(f'{len(todo)} boots in {time.monotonic() - start:.0f} s', flush=True)
    print(f'{run.passed} passed, {run.failed} failed')
    return 1 if run.failed else 0


def interrupted(*_):
    raise KeyboardInterrupt


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    name = 'demo' if sys.argv[1:2] == ['demo'] else 'boot.py'
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        end_all()
        print(f'\n{name}: interrupted', file=sys.stderr)
        os._exit(130)  # other threads are not waited for
    except OSError as e:
        sys.exit(f'{name}: {e.strerror or e}' + (f': {e.filename}' if e.filename else ''))
