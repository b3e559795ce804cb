# SPDX-License-Identifier: MIT
"""Build helpers around the linked hypervisor: symbol table for backtraces, and the files that loaders take.

  elf.py symbols <nm output of the first link> <out.S>
  elf.py offsets <asm-offsets.s> <asm-offsets.h>
  elf.py wrap32 <linked ELF64> <out>     multiboot 1 and 2: an ELF32
  elf.py wrappvh <linked ELF64> <out>    PVH: an ELF64 with the note, its load segment beyond 16 KiB of the file
"""
import re
import struct
import sys

BASE = 0xffff810000000000  # HV_IMAGE_VIRT; checked against the first load segment
PT_LOAD, PT_NOTE, EM_386, EM_X86_64 = 1, 4, 3, 62
NOTE_PHYS32_ENTRY = 18


def symbols(nm_file, out):
    """Sorted offsets from the image's start, and the names in the same order."""
    table, start = {}, 0
    for line in open(nm_file):
        value, kind, name = line.split()
        if name == '__image_start':
            start = int(value, 16)
        if kind in 'tT' and not re.search(r'^__|\.(L|constprop|isra|part|cold)', name):
            table.setdefault(int(value, 16), name)
    entries = sorted((a - start, n) for a, n in table.items() if a >= start)
    with open(out, 'w') as f:
        f.write('\t.section .symtab_hv, "a"\n\t.balign 8\n')
        f.write('\t.globl hv_symbol_count, hv_symbol_offsets, hv_symbol_names\n')
        f.write(f'hv_symbol_count:\n\t.long {len(entries)}\nhv_symbol_offsets:\n')
        f.writelines(f'\t.long {off}\n' for off, _ in entries)
        f.write('hv_symbol_names:\n')
        f.writelines(f'\t.asciz "{name}"\n' for _, name in entries)
        f.write('\t.section .note.GNU-stack, "", @progbits\n')


def offsets(asm, out):
    with open(out, 'w') as f:
        for name, value in re.findall(r'^@@ (\w+) (-?\d+)', open(asm).read(), re.M):
            f.write(f'#define {name} {value}\n')


def flatten(path):
    """(bytes in memory order, machine address of the first, size in memory, symbols) of the linked ELF64."""
    elf = open(path, 'rb').read()
    phoff, shoff = struct.unpack_from('<QQ', elf, 32)
    phentsize, phnum, shentsize, shnum = struct.unpack_from('<HHHH', elf, 54)
    segments = []
    for i in range(phnum):
        kind, _, off, vaddr, _, filesz, memsz = struct.unpack_from('<IIQQQQQ', elf, phoff + i * phentsize)
        if kind == PT_LOAD and memsz:
            segments.append((vaddr - BASE, elf[off:off + filesz], memsz))
    segments.sort()
    start = segments[0][0]
    assert start == 0x200000, hex(start)
    image = bytearray()
    for addr, data, memsz in segments:
        end = addr - start + memsz
        if data:
            image = image.ljust(addr - start, b'\0') + data
    entry_points = {}
    for i in range(shnum):
        _, kind, _, _, off, size, link = struct.unpack_from('<IIQQQQI', elf, shoff + i * shentsize)
        if kind != 2:
            continue
        stroff = struct.unpack_from('<Q', elf, shoff + link * shentsize + 24)[0]
        for at in range(off, off + size, 24):
            name, _, _, _, value, _ = struct.unpack_from('<IBBHQQ', elf, at)
            text = elf[stroff + name:elf.index(b'\0', stroff + name)].decode()
            if text in ('start32', 'start_pvh'):
                entry_points[text] = value - BASE
    return bytes(image), start, end, entry_points


def wrap32(path, out):
    image, start, memsz, entry = flatten(path)
    off = 4096
    head = struct.pack('<16sHHIIIIIHHHHHH', b'\x7fELF\x01\x01\x01', 2, EM_386, 1, entry['start32'], 52, 0, 0,
                       52, 32, 1, 40, 0, 0)
    head += struct.pack('<8I', PT_LOAD, off, start, start, len(image), memsz, 7, 4096)
    open(out, 'wb').write(head.ljust(off, b'\0') + image)


def wrappvh(path, out):
    image, start, memsz, entry = flatten(path)
    off, note_off = 16384, 64 + 2 * 56
    note = struct.pack('<III4sQ', 4, 8, NOTE_PHYS32_ENTRY, b'Xen\0', entry['start_pvh'])
    head = struct.pack('<16sHHIQQQIHHHHHH', b'\x7fELF\x02\x01\x01', 2, EM_X86_64, 1, entry['start_pvh'], 64, 0, 0,
                       64, 56, 2, 64, 0, 0)
    head += struct.pack('<IIQQQQQQ', PT_LOAD, 7, off, start, start, len(image), memsz, 4096)
    head += struct.pack('<IIQQQQQQ', PT_NOTE, 4, note_off, 0, 0, len(note), len(note), 4)
    open(out, 'wb').write((head + note).ljust(off, b'\0') + image)


{'symbols': symbols, 'offsets': offsets, 'wrap32': wrap32, 'wrappvh': wrappvh}[sys.argv[1]](*sys.argv[2:])
