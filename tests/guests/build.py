#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compile and link one test guest: build.py <compiler> <output.elf> <guest>. Writes a dependency file beside it."""
import glob
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ABI = os.path.join(HERE, '..', '..', 'pv-abi')
FLAGS = ('-std=gnu17 -O2 -g -ffreestanding -fno-pie -no-pie -mcmodel=kernel -mno-red-zone -mgeneral-regs-only '
         '-fno-stack-protector -fno-asynchronous-unwind-tables -fno-strict-aliasing -fcf-protection=none '
         '-fno-omit-frame-pointer -Wall -Wextra -Werror -Wno-clobbered -nostdlib -static -Wl,--build-id=none '
         '-Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments').split()
# name: (folder or file, further flags)
GUESTS = {
    'honest': ('honest', []),
    'honest-page': ('honest', ['-DHYPERCALL_PAGE']),
    'liar': ('liar', []),
    'attack': ('attack', []),
    'warden': ('warden.c', []),
    'answer': ('answer.c', []),
    'shares': ('shares.c', []),
    'bench': ('../bench', []),
}


def sources(guest):
    where = os.path.join(HERE, GUESTS[guest][0])
    own = [where] if os.path.isfile(where) else sorted(glob.glob(where + '/*.[cS]'))
    return own + sorted(glob.glob(HERE + '/lib/*.[cS]'))


def build(compiler, output, guest):
    """Compile; raises CalledProcessError with the compiler's words on stderr."""
    subprocess.run([*compiler, *FLAGS, *GUESTS[guest][1], f'-DPROGRAM="{guest}"', '-I', HERE + '/lib', '-I', ABI,
                    f'-Wl,-T,{HERE}/lib/guest.lds', '-o', output, *sources(guest)], check=True)
    headers = sorted(glob.glob(HERE + '/*/*.h')) + sorted(glob.glob(ABI + '/xen/*.h'))
    with open(output + '.d', 'w') as f:
        f.write(f'{output}: ' + ' '.join(sources(guest) + headers) + '\n')


if __name__ == '__main__':
    try:
        build(sys.argv[1].split(), sys.argv[2], sys.argv[3])
    except subprocess.CalledProcessError:
        sys.exit(f'build.py: {sys.argv[3]} does not compile')
