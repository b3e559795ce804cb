# SPDX-License-Identifier: MIT
"""Names for addresses, of the hypervisor and of a kernel."""
import bisect
import subprocess


class Symbols:
    """Functions by address, from what nm or /proc/kallsyms print."""

    def __init__(self, lines):
        self.at = sorted((int(w[0], 16), w[2]) for w in map(str.split, lines)
                         if len(w) == 3 and w[1] in 'tTwW')
        self.keys = [a for a, _ in self.at]

    def name(self, va):
        i = bisect.bisect_right(self.keys, va) - 1
        return self.at[i][1] if i >= 0 else hex(va)

    def address(self, name):
        return next(a for a, n in self.at if n == name)


def of_elf(path):
    return Symbols(subprocess.run(['nm', path], check=True, capture_output=True, text=True).stdout.splitlines())


def of_file(path):
    with open(path) as f:
        return Symbols(f)


def is_hypervisor(va):
    return 0xffff800000000000 <= va <= 0xffff87ffffffffff


STUBS = range(0xffff810040000000, 0xffff814000000000)  # a processor's own pages: entry stubs, no symbols


def hypervisor_name(symbols, va):
    return 'entry stub' if va in STUBS else symbols.name(va)
