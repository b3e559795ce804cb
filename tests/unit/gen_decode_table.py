#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write decode_table.h: instructions as the assembler encodes them, lengths as the disassembler sees them.

Usage: gen_decode_table.py > decode_table.h   (needs binutils; the result is checked in)
"""
import re
import subprocess
import tempfile

SIZES = {1: 'b', 2: 'w', 4: 'l', 8: 'q'}
NAMES = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di']


def reg(n, size):
    """AT&T name of register n; 16-19 are AH, CH, DH, BH."""
    if n >= 16:
        return '%' + 'acdb'[n - 16] + 'h'
    if n >= 8:
        return f'%r{n}' + {1: 'b', 2: 'w', 4: 'd', 8: ''}[size]
    if size == 1:
        return '%' + (NAMES[n][0] + 'l' if n < 4 else NAMES[n] + 'l')
    return '%' + {2: '', 4: 'e', 8: 'r'}[size] + NAMES[n]


PLACES = ['(%rdi)', '(%r8)', '(%rsp)', '(%rbp)', '(%r12)', '(%r13)', '8(%rdi)', '0x1234(%rax)', '0x10(%rsp)',
          '-0x80(%r12)', '(%rax,%rbx,4)', '0x7f(%r9,%r10,8)', '0x11223344(%rbp,%r15)', '0x100(,%rcx,2)',
          '(%rbp,%rax)', '(%r13,%rax)', '0x55(%rip)', '0x1000', '%fs:(%rdi)', '%gs:0x28', '(%edi)',
          '4(%esi,%r8d,2)']
# name, operation, sizes, may be locked
WITH_REGISTER = [('mov', 'MOV', 1, False), ('xchg', 'XCHG', 1, True), ('and', 'AND', 1, True),
                 ('or', 'OR', 1, True), ('xor', 'XOR', 1, True), ('bts', 'BTS', 2, True),
                 ('btr', 'BTR', 2, True), ('btc', 'BTC', 2, True), ('cmpxchg', 'CMPXCHG', 1, True),
                 ('xadd', 'XADD', 1, True)]
WITH_IMMEDIATE = [('mov', 'MOV', 1, False), ('and', 'AND', 1, True), ('or', 'OR', 1, True),
                  ('xor', 'XOR', 1, True), ('bts', 'BTS', 2, True), ('btr', 'BTR', 2, True),
                  ('btc', 'BTC', 2, True)]
REFUSED = ['movq (%rdi), %rax', 'movb (%rdi), %al', 'addq %rax, (%rdi)', 'lock addq $1, (%rdi)', 'subq %rax, (%rdi)',
           'adcl $1, (%rdi)', 'sbbq %rcx, (%rdi)', 'cmpq %rax, (%rdi)', 'incq (%rdi)', 'lock decl (%rdi)',
           'notq (%rdi)', 'negq (%rdi)', 'stosq', 'rep stosq', 'movsq', 'pushq (%rdi)', 'popq (%rdi)',
           'movnti %rax, (%rdi)', 'lock cmpxchg16b (%rdi)', 'cmpxchg8b (%rdi)', 'movaps %xmm0, (%rdi)',
           'movq %rax, %rbx', 'xchgq %rax, %rbx', 'andq %rax, %rcx', 'orl $1, %eax', 'btsq $5, %rax',
           'cmpxchgq %rax, %rbx', 'xaddq %rax, %rbx', 'movq $1, %rax', 'btq $5, (%rdi)', 'btq %rax, (%rdi)',
           'shlq $1, (%rdi)', 'sete (%rdi)', 'movw %ds, (%rdi)', 'nop', 'ret', 'int3', 'movbe %rax, (%rdi)',
           'testq %rax, (%rdi)', 'addq $1, (%rdi)', 'andq (%rdi), %rax', 'hlt', 'jmp *(%rdi)', 'call *(%rdi)',
           'rep movsb', 'xlat', 'sidt (%rdi)', 'fxsave (%rdi)', 'clflush (%rdi)', 'sgdt (%rdi)', 'movb $1, %al',
           'andb $1, %cl', 'vmovdqu %ymm0, (%rdi)', 'crc32q (%rdi), %rax', '.byte 0x48, 0x66, 0x89, 0x07; nop',
           '.byte 0xf3, 0x48, 0x89, 0x07', '.byte 0xf0, 0x48, 0x89, 0x07', '.byte 0xf0, 0x48, 0xc7, 0x07, 1, 0, 0, 0']


def rows():
    """(assembly, op, size, register or None, immediate or None)"""
    for name, op, least, lockable in WITH_REGISTER:
        for size in [s for s in SIZES if s >= least]:
            for place in PLACES if size in (1, 8) else PLACES[:3]:
                yield f'{name}{SIZES[size]} {reg(1, size)}, {place}', op, size, 1, None
            for n in list(range(16)) + ([16, 17, 18, 19] if size == 1 else []):
                lock = 'lock ' if lockable and n % 2 else ''
                yield f'{lock}{name}{SIZES[size]} {reg(n, size)}, (%rdi)', op, size, n, None
    for name, op, least, lockable in WITH_IMMEDIATE:
        for size in [s for s in SIZES if s >= least]:
            bits = name.startswith('bt')
            values = [0, 1, 8 * size - 1] if bits else [1, -1, 0x7f, -0x80]
            if not bits and size >= 2:
                values += [0x1234, -0x1234]
            if not bits and size >= 4:
                values += [0x12345678, -0x12345678]
            for value in values:
                lock = 'lock ' if lockable and value & 1 else ''
                yield f'{lock}{name}{SIZES[size]} ${value}, (%rdi)', op, size, None, value
            for place in PLACES[1:] if size in (2, 8) else PLACES[1:3]:
                yield f'{name}{SIZES[size]} $1, {place}', op, size, None, 1
    # Encodings that the assembler does not choose.
    yield '.byte 0x66, 0x48, 0x89, 0x07', 'MOV', 8, 0, None
    yield '.byte 0x66, 0x66, 0x89, 0x0f', 'MOV', 2, 1, None
    yield '.byte 0x40, 0x88, 0x27', 'MOV', 1, 4, None
    yield '.byte 0x81, 0x27, 1, 0, 0, 0', 'AND', 4, None, 1
    yield '.byte 0x48, 0x81, 0x0f, 1, 0, 0, 0', 'OR', 8, None, 1
    yield '.byte 0x80, 0x37, 0xff', 'XOR', 1, None, -1
    yield '.byte 0x2e, 0x3e, 0x64, 0x48, 0x87, 0x07', 'XCHG', 8, 0, None
    yield '.byte 0x89, 0x04, 0x25, 0, 0, 0, 0', 'MOV', 4, 0, None
    yield '.byte 0x89, 0x44, 0x24, 0', 'MOV', 4, 0, None
    yield '.byte 0x89, 0x84, 0x24, 0, 0, 0, 0', 'MOV', 4, 0, None


def encode(lines):
    """The bytes of each line's first instruction."""
    with tempfile.TemporaryDirectory() as tmp:
        with open(f'{tmp}/t.s', 'w') as f:
            f.write('\n'.join(f'.balign 32\nL{i}: {l}' for i, l in enumerate(lines)) + '\n')
        subprocess.run(['as', '-o', f'{tmp}/t.o', f'{tmp}/t.s'], check=True)
        out = subprocess.run(['objdump', '-d', '--insn-width=16', f'{tmp}/t.o'], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    found = re.findall(r'<L(\d+)>:\n\s*[0-9a-f]+:\s*((?:[0-9a-f]{2} )+)', out)
    assert len(found) == len(lines)
    return [bytes.fromhex(b) for _, b in found]


def main():
    good = list(rows())
    print('/* SPDX-License-Identifier: MIT */\n/* Written by gen_decode_table.py: encodings by as, lengths by objdump. */\n/* clang-format off */')
    print('/* operation, size, register (16-19: AH CH DH BH; -1: an immediate), immediate, code; H: at (%rdi) */')
    print('static const struct good good_table[] = {')
    line = ''
    for (text, op, size, n, imm), code in zip(good, encode([g[0] for g in good])):
        macro = 'H' if text.endswith(' (%rdi)') else 'T'
        text = ''.join(f'\\x{b:02x}' for b in code)
        row = f'{macro}({op}, {size}, {-1 if n is None else n}, {imm or 0}, "{text}"),'
        if len(line) + len(row) > 92:
            print('\t' + line.rstrip())
            line = ''
        line += row + ' '
    print('\t' + line.rstrip())
    print('};\n\n/* What is not emulated. */\nstatic const struct bad bad_table[] = {')
    line = ''
    for text in REFUSED:
        if text.startswith('.byte'):
            code = bytes(int(x, 0) for x in text[5:].split(';')[0].split(','))
        else:
            code = encode([text])[0]
        row = '{ "' + ''.join(f'\\x{b:02x}' for b in code) + f'", {len(code)} }},'
        if len(line) + len(row) > 92:
            print('\t' + line.rstrip())
            line = ''
        line += row + ' '
    print('\t' + line.rstrip())
    print('};')


main()
