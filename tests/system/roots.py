# SPDX-License-Identifier: MIT
"""A boot with xpti=yes that is stopped while guests run, to walk the page tables that are really in force.

A processor in ring 3 must be on a root whose entries of the guest's are those of its own L4, and that has, of the
hypervisor's slots, nothing but the M2P as in the L4, and in slot 258 the entry text, the IDT and what the processor
itself reaches of each window: no frame of any stack, under no address. Its own entry page must hold no register but
those of the frames in it. One in the hypervisor, for comparison, must see everything. NMIs go on meanwhile.
"""

import re
import select
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from machine import KILLED, SUCCESS, TOP, Machine

PRESENT, WRITE, USER, ACCESSED, LARGE = 1, 2, 4, 0x20, 0x80
ADDRESS = 0x000ffffffffff000
NX = 1 << 63
SLOT_258 = 0xffff810000000000
# hv/x86/layout.h
WINDOWS, WINDOW, WINDOWS_END = 0xffff810040000000, 0x200000, 0xffff810080000000
STACKS, STACK_SIZE = WINDOWS + 0x40000000, 0x8000
GDT, LDT, TSS, STUB, ENTRY = range(0, 0xf000), range(0x10000, 0x20000), range(0x20000, 0x24000), 0x28000, 0x29000
# struct entry_page in hv/x86/cpu.h, in words; which of them is a register that waits
ROOT_CR3, SCRATCH, FIRST_IST, IST, IST_REGS = 0, 2, 16, 16, 8
NMI_RIP = FIRST_IST + IST + IST_REGS + 3
REGISTERS = (SCRATCH, *(FIRST_IST + IST * i + IST_REGS + j for i in range(4) for j in (0, 1)), *range(80, 506))
WANTED = 20          # processors in ring 3 to be looked at


def symbols(hv):
    """Addresses of the parts of the image that a guest may have mapped."""
    found = {}
    for line in subprocess.run(['nm', hv.parent / hv.name.replace('.elf', '-syms')], check=True, text=True,
                               capture_output=True).stdout.splitlines():
        at, _, name = line.rpartition(' ')
        found[name] = int(at.split()[0], 16) if at.strip() else 0
    return range(found['__entry_text_start'], found['__entry_text_end']), range(found['idt'], found['idt'] + 4096)


def allowed(text, idt, va, e):
    """May a restricted root have this page of slot 258, with these rights?"""
    at = va % WINDOW
    if not WINDOWS <= va < WINDOWS_END:
        return va in text and not e & (WRITE | NX) or va in idt and not e & WRITE and e & NX
    return at == STUB and not e & (WRITE | NX) or (at in GDT or at in LDT or at in TSS or at == ENTRY) and e & NX


class Roots(Machine):
    """A machine that is stopped and looked at from the first test result on."""

    def __init__(self, arguments, success, **more):
        super().__init__(arguments, success, **more)
        self.parts = symbols(TOP / 'build/hv/pavise.elf')
        self.wrong, self.ring3, self.ring0, self.nmis, self.asked = [], 0, 0, 0, 0

    def run(self):
        if super().run() == SUCCESS:
            self.wrong += [f'only {n} {what} were met' for n, least, what in (
                (self.ring3, WANTED, 'processors in ring 3'), (self.ring0, 1, 'idle processors'),
                (self.nmis, 1, 'NMIs')) if n < least]
            if self.wrong:
                self.verdict, self.reason = KILLED, f'{self.wrong[0]} ({len(self.wrong)} complaints)'
        return self.verdict

    def _line(self, line):
        super()._line(line)
        if line.startswith('TEST ') and not self.ring3:
            end = time.monotonic() + 60
            while self.ring3 < WANTED and time.monotonic() < end and self.qmp:
                self.look()

    def complain(self, text):
        self.wrong.append(text)
        self._note(f'WRONG {text}')

    def ask(self, execute, **arguments):
        self.asked, seen = self.asked + 1, len(self.events)
        self._qmp_send(execute=execute, arguments=arguments, id=self.asked)
        end = time.monotonic() + 120
        while time.monotonic() < end and select.select([self.qmp], [], [], 120)[0]:
            self._qmp_data(self.qmp.recv(1 << 20))
            for message in self.events[seen:]:
                if message.get('id') == self.asked:
                    return message.get('return')
        raise OSError(f'no answer to {execute}')

    def page(self, at):
        with tempfile.NamedTemporaryFile() as f:
            self.ask('pmemsave', val=at & ADDRESS, size=4096, filename=f.name)
            return struct.unpack('<512Q', Path(f.name).read_bytes())

    def leaves(self, table, level, va):
        """(address, size, entry) of all that an entry's table maps."""
        for i, e in enumerate(self.page(table)):
            at, size = va + (i << (12 + 9 * (level - 1))), 1 << (12 + 9 * (level - 1))
            if e & PRESENT and (level == 1 or e & LARGE):
                yield at, size, e
            elif e & PRESENT:
                yield from self.leaves(e, level - 1, at)

    def look(self):
        self.ask('stop')
        text = self.ask('human-monitor-command', **{'command-line': 'info registers -a'})
        for part in re.split(r'CPU#', text)[1:]:
            cr3 = int(re.search(r'CR3=([0-9a-f]+)', part)[1], 16)
            if 'CPL=3' in part:
                self.ring3 += 1
                self.guest_root(int(part.split()[0]), cr3)
            elif re.search(r'RIP=ffff8100', part) and 'HLT=1' in part:
                self.ring0 += 1
                if not self.page(cr3)[259] & PRESENT:
                    self.complain('a processor in the hypervisor does not see the direct map')
        self.ask('inject-nmi')
        self.ask('cont')
        time.sleep(0.05)

    def guest_root(self, cpu, cr3):
        root = self.page(cr3)
        ours = {i for i in range(256, 272) if root[i]}
        if ours != {256, 258}:
            self.complain(f'CPU {cpu}, CR3 {cr3:x}: slots {sorted(ours)} of the hypervisor')
        if root[256] & (USER | WRITE) != USER or root[258] & USER:
            self.complain(f'CPU {cpu}: rights of slots 256 and 258: {root[256]:x} {root[258]:x}')
        entry, frames = None, {}
        for va, size, e in self.leaves(root[258], 3, SLOT_258):
            frames[e & ADDRESS] = va
            if size != 4096 or not allowed(*self.parts, va, e):
                self.complain(f'CPU {cpu}: {va:x}, {size} bytes, entry {e:x} is mapped')
            if va == WINDOWS + cpu * WINDOW + ENTRY:
                entry = self.page(e)
        if entry is None:
            self.complain(f'CPU {cpu}: its own entry page is not mapped')
            return
        for i in REGISTERS:
            if entry[i]:
                self.complain(f'CPU {cpu}: word {i} of its entry page is {entry[i]:x}')
        self.nmis += bool(entry[NMI_RIP])
        own = self.page(entry[ROOT_CR3])
        self.full_root(cpu, cr3, root, own)
        self.stacks(own, frames)

    def full_root(self, cpu, cr3, root, own):
        if own[271] != cr3 & ADDRESS:
            self.complain(f'CPU {cpu}: CR3 {cr3:x}, but its L4 names {own[271]:x}')
        for i in (*range(257), *range(272, 512)):
            if (own[i] ^ root[i]) & ~ACCESSED:
                self.complain(f'CPU {cpu}: slot {i} is {root[i]:x}, and {own[i]:x} in the L4')

    def stacks(self, own, frames):
        """That the whole of every stack is where it should be, and none of its frames among these."""
        table = self.page(own[258])[STACKS >> 30 & 511]
        found = [(va, e & ADDRESS) for va, _, e in self.leaves(table, 2, STACKS)]
        size = sum(4096 for va, _ in found if va % WINDOW < STACK_SIZE)
        if not found or size % STACK_SIZE or size != 4096 * len(found):
            self.complain(f'stacks: {len(found)} pages')
        for va, at in found:
            if at in frames:
                self.complain(f'a stack, {va:x}, is mapped at {frames[at]:x}')
