# SPDX-License-Identifier: MIT
# Tests of the ABI headers: they compile, agree with the published ones, and do not move.
#
#	abi.py			run all tests
#	abi.py numbers		print what numbers.txt has to contain

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from headers import Header

HERE = Path(__file__).resolve().parent
OURS = HERE.parent.parent / 'pv-abi'
PUBLISHED = Path(os.environ.get('XEN_HEADERS', '/usr/include'))
CC = os.environ.get('CC', 'cc').split()
CXX = os.environ.get('CXX', 'c++').split()

# Our header, and the published ones whose names it has. Both are included by the last name.
SPLIT = {
    'xen.h': ['xen.h'],
    'arch-x86.h': ['arch-x86/xen-x86_64.h', 'arch-x86/xen.h'],
    'callback.h': ['callback.h'],
    'cpuid.h': ['arch-x86/cpuid.h'],
    'domctl.h': ['domctl.h'],
    'elfnote.h': ['elfnote.h'],
    'errno.h': ['errno.h'],
    'event_channel.h': ['event_channel.h'],
    'features.h': ['features.h'],
    'grant_table.h': ['grant_table.h'],
    'memory.h': ['memory.h'],
    'nmi.h': ['nmi.h'],
    'physdev.h': ['physdev.h'],
    'platform.h': ['platform.h'],
    'pmu.h': ['pmu.h'],
    'sched.h': ['sched.h'],
    'sysctl.h': ['sysctl.h'],
    'vcpu.h': ['vcpu.h'],
    'version.h': ['version.h'],
    'hvm/hvm_op.h': ['hvm/hvm_op.h'],
    'hvm/hvm_vcpu.h': ['hvm/hvm_vcpu.h'],
    'hvm/params.h': ['hvm/params.h'],
    'hvm/start_info.h': ['arch-x86/hvm/start_info.h'],
    'io/console.h': ['io/console.h'],
    'io/xs_wire.h': ['io/xs_wire.h'],
}

# Macros that are no number: text of our own, other names of types and members, code.
NOT_NUMBERS = {
    'GNTTABOP_error_msgs', 'XEN_FLEX_ARRAY_DIM', 'xen_vga_console_info', 'xen_wc_sec_hi',
    'xen_vga_console_info_t', 'xenpf_settime', 'machine_to_phys_mapping',
}
NOT_CALLS = {'TI_GET_DPL', 'TI_GET_IF', 'TI_SET_DPL', 'TI_SET_IF', 'MASK_XENCONS_IDX'}
STRINGS = {
    'PRI_xen_pfn', 'PRIu_xen_pfn', 'PRI_xen_ulong', 'XEN_EMULATE_PREFIX', 'XEN_CPUID',
    'XS_WRITE_NONE', 'XS_WRITE_CREATE', 'XS_WRITE_CREATE_EXCL',
}

PROBE = r'''
#define __XEN_TOOLS__ 1
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
%(includes)s

/* s, u: signed or unsigned number; c: character; o: anything else. */
#define KIND(x) _Generic((x), \
	signed char: 's', short: 's', int: 's', long: 's', long long: 's', \
	unsigned char: 'u', unsigned short: 'u', unsigned int: 'u', unsigned long: 'u', \
	unsigned long long: 'u', char: 'c', default: 'o')
#define CONST(name) printf("const %%s %%lld\n", #name, (long long)(name))
#define CALL(expr) printf("call %%s %%lld\n", #expr, (long long)(expr))
#define STRING(name) printf("string %%s %%s\n", #name, name)
#define TYPE(name) printf("type %%s %%zu\n", #name, sizeof(name))
#define SIZE(type) printf("size %%s %%zu\n", #type, sizeof(type))
#define AT(type, m) printf("at %%s.%%s %%zu size %%zu kind %%c\n", #type, #m, \
	offsetof(type, m), sizeof(((type *)0)->m), KIND(((type *)0)->m))
#define FLEX(type, m) printf("at %%s.%%s %%zu\n", #type, #m, offsetof(type, m))
#define BITS(type, m) do { \
	union { type t; uint64_t n; } v; \
	v.n = 0; \
	v.t.m = ~0; \
	printf("bits %%s.%%s %%llx\n", #type, #m, (unsigned long long)v.n); \
} while (0)

int main(void)
{
%(body)s
	return 0;
}
'''


class Results:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, ok, what, details=()):
        if ok:
            self.passed += 1
            return
        self.failed += 1
        print(f'FAIL {what}')
        for line in list(details)[:20]:
            print(f'     {line}')


def command(argv, **kw):
    return subprocess.run(argv, text=True, capture_output=True, **kw)


def probe_lines(headers, own):
    """Statements that print everything the headers declare. own: ours alone has it too."""
    for h in headers:
        for name in h.macros:
            if name in STRINGS:
                yield f'STRING({name});'
            elif name not in NOT_NUMBERS:
                yield f'CONST({name});'
        for name, args in h.calls.items():
            if len(args) == 1 and name not in NOT_CALLS:
                for value in (0, 3, 0x12345):
                    yield f'CALL({name}({value}));'
        for name in h.enumerators:
            yield f'CONST({name});'
        for name in h.types:
            yield f'TYPE({name});'
        for agg in h.aggregates:
            kind = agg.type.strip()
            yield f'SIZE({kind});'
            for path, bits in agg.paths():
                last = path.split('.')[-1]
                if re.fullmatch(r'_pad\d*', last):
                    continue
                if bits:
                    yield f'BITS({kind}, {path});'
                elif (kind, path) in (('struct xen_build_id', 'buf'),
                                      ('struct physdev_pci_device_add', 'optarr')):
                    yield f'FLEX({kind}, {path});'
                else:
                    yield f'AT({kind}, {path});'
    if own:
        for name in Header((OURS / 'pavise.h').read_text()).macros:
            yield f'CONST({name});'


def probe(tmp, name, include_dir, own, flags=()):
    """Compile and run the probe against one set of headers: its output, or an error."""
    headers = [Header((OURS / 'xen' / h).read_text()) for h in SPLIT]
    names = [h[-1] for h in SPLIT.values()]
    includes = [f'#include <xen/{n}>' for n in names]
    if own:
        includes.append('#include <pavise.h>')
    source = tmp / f'{name}.c'
    body = '\n'.join('\t' + line for line in probe_lines(headers, own))
    source.write_text(PROBE % {'includes': '\n'.join(includes), 'body': body})
    run = command([*CC, '-std=gnu11', '-w', *flags, f'-I{include_dir}', '-o', tmp / name, source])
    if run.returncode:
        return None, run.stderr.splitlines()
    run = command([tmp / name])
    return [re.sub(r'^(string \w+) (.*)', lambda m: m[1] + ' ' + re.sub(r'\s', '', m[2]), line)
            for line in run.stdout.splitlines()], run.stderr.splitlines()


def difference(left, right):
    """Lines only in the left, then only in the right."""
    a, b = set(left), set(right)
    yield from ('- ' + x for x in left if x not in b)
    yield from ('+ ' + x for x in right if x not in a)


def test_compile(res, tmp):
    """Every header alone, in every mode its users have, in both views of guest pointers."""
    modes = {
        'C11': [*CC, '-std=c11', '-xc', '-Wpedantic', '-Wpadded'],
        'C17': [*CC, '-std=c17', '-xc', '-Wpedantic', '-Wpadded'],
        'C++17': [*CXX, '-std=c++17', '-xc++'],
        'C17 freestanding': [*CC, '-std=c17', '-xc', '-ffreestanding', '-nostdlib'],
        'C++17 freestanding': [*CXX, '-std=c++17', '-xc++', '-ffreestanding', '-nostdlib'],
    }
    paths = sorted(p.relative_to(OURS) for p in OURS.rglob('*.h'))
    jobs = [(str(p), mode, cmd, view) for p in paths for mode, cmd in modes.items()
            for view in ((), ('-DPV_ABI_HYPERVISOR',))]

    def one(job):
        path, _, cmd, view = job
        return command([*cmd, '-Wall', '-Wextra', '-Werror', *view, f'-I{OURS}', '-c', '-', '-o',
                        os.devnull], input=f'#include "{path}"\nextern int nothing;\n')

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (path, mode, _, view), run in zip(jobs, pool.map(one, jobs)):
            res.check(run.returncode == 0, f'{path} as {mode} {" ".join(view)}',
                      run.stderr.splitlines())


def test_assembly(res, tmp):
    """Headers whose numbers assembly uses; a value reaches the object unharmed."""
    for name in ('xen.h', 'arch-x86.h', 'cpuid.h', 'elfnote.h', 'features.h', 'hvm/start_info.h'):
        text = f'#include "xen/{name}"\n.quad __HYPERVISOR_iret, HYPERVISOR_VIRT_START\n'
        if name not in ('xen.h', 'arch-x86.h'):
            text = f'#include "xen/{name}"\n'
        elif name == 'arch-x86.h':
            text = f'#include "xen/{name}"\n.quad HYPERVISOR_VIRT_START\nXEN_CPUID\n'
        run = command([*CC, f'-I{OURS}', '-xassembler-with-cpp', '-c', '-', '-o', os.devnull],
                      input=text)
        res.check(run.returncode == 0, f'{name} in assembly', run.stderr.splitlines())


def test_guest_pointers(res, tmp):
    """With PV_ABI_HYPERVISOR a guest pointer cannot be followed; without, it can."""
    text = ('#include "xen/memory.h"\n'
            'xen_pfn_t f(struct xen_memory_reservation *r)\n{ return *r->extent_start; }\n')
    for view, ok in (([], True), (['-DPV_ABI_HYPERVISOR'], False)):
        run = command([*CC, '-std=c17', f'-I{OURS}', *view, '-xc', '-c', '-', '-o', os.devnull],
                      input=text)
        res.check((run.returncode == 0) == ok, f'following a guest pointer {view}',
                  run.stderr.splitlines())


def test_published(res, tmp):
    """Every constant, size, place and kind equals the published one."""
    ours, err = probe(tmp, 'ours', OURS, False)
    res.check(ours is not None, 'probe of our headers', err)
    theirs, err = probe(tmp, 'theirs', PUBLISHED, False)
    res.check(theirs is not None, 'probe of the published headers', err)
    if not ours or not theirs:
        return
    for our, their in zip(ours, theirs):
        res.check(our == their, 'differs from the published headers', ['- ' + their, '+ ' + our])
    res.check(len(ours) == len(theirs), 'probes of different length')


def test_hypervisor_view(res, tmp):
    """The hypervisor's view has the layout of the guest's."""
    guest, err1 = probe(tmp, 'guest', OURS, True)
    hyp, err2 = probe(tmp, 'hyp', OURS, True, ['-DPV_ABI_HYPERVISOR'])
    if not guest or not hyp:
        res.check(False, 'probe of both views', err1 + err2)
        return
    diff = list(difference(guest, hyp))
    res.check(not diff, 'the views differ', diff)


def test_numbers(res, tmp):
    """Nothing recorded in numbers.txt has moved or gone, and everything is recorded."""
    now, err = probe(tmp, 'numbers', OURS, True)
    res.check(now is not None, 'probe for numbers.txt', err)
    if now is None:
        return
    recorded = [x for x in (HERE / 'numbers.txt').read_text().splitlines() if x[:1] != '#']
    diff = list(difference(recorded, now))
    moved = [x for x in diff if x[0] == '-']
    added = [x for x in diff if x[0] == '+']
    res.check(not moved, 'numbers have moved or gone: this must not happen', diff)
    res.check(bool(moved) or not added, 'not recorded in numbers.txt: add these lines', added)


def published_names(name):
    """Numbers and structures of a published header, as the compiler sees it."""
    text = (PUBLISHED / 'xen' / name).read_text()
    defined = set(re.findall(r'^\s*#\s*define\s+(\w+)(?![\w(])', text, re.M))
    run = command([*CC, '-std=gnu11', '-D__XEN_TOOLS__', '-include', 'stdint.h', '-dM', '-E',
                   '-xc', f'-I{PUBLISHED}', '-'], input=f'#include <xen/{name}>\n')
    alive = set(re.findall(r'^#define (\w+) \S', run.stdout, re.M))
    plain = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
    return (defined & alive) | set(re.findall(r'\b(?:struct|union)\s+(\w+)\s*\{', plain))


def test_complete(res, tmp):
    """What the published headers have and we do not is listed in absent.txt, with a reason."""
    excused = {}
    for line in (HERE / 'absent.txt').read_text().splitlines():
        if line and not line.startswith('#'):
            pattern, _, reason = re.sub(r'\s+', ' ', line).partition(' ')
            excused[pattern] = reason
    used = set()
    for name, sources in SPLIT.items():
        h = Header((OURS / 'xen' / name).read_text())
        have = set(h.macros) | set(h.calls) | {a.tag for a in h.aggregates} | set(h.enumerators)
        for source in sources:
            missing = []
            for wanted in sorted(published_names(source) - have):
                hit = [p for p in excused if re.fullmatch(p, wanted)]
                used.update(hit)
                if not hit:
                    missing.append(wanted)
            res.check(not missing, f'{source}: names we do not have', missing)
    stale = sorted(set(excused) - used)
    res.check(not stale, 'absent.txt: excuses nobody needs', stale)


def test_rings(res, tmp):
    """Our ring and the published one take the same decisions on the same page."""
    out = []
    for name, include in (('ring-ours', OURS), ('ring-theirs', PUBLISHED)):
        run = command([*CC, '-std=gnu11', '-w', f'-I{include}', '-o', tmp / name,
                       HERE / 'rings.c'])
        res.check(run.returncode == 0, f'{name} compiles', run.stderr.splitlines())
        if run.returncode:
            return
        out.append(command([tmp / name]).stdout.splitlines())
    diff = list(difference(out[1], out[0]))
    res.check(len(out[0]) > 100 and out[0] == out[1], 'rings behave differently', diff)


def main(argv):
    if not (PUBLISHED / 'xen' / 'xen.h').exists():
        print('FAIL the published headers are not installed (package libxen-dev)')
        print('0 passed, 1 failed')
        return 1
    res = Results()
    with tempfile.TemporaryDirectory() as tmp:
        if argv == ['numbers']:
            lines, err = probe(Path(tmp), 'numbers', OURS, True)
            print('\n'.join(lines or err))
            return 0 if lines else 1
        for test in (test_compile, test_assembly, test_guest_pointers, test_published,
                     test_hypervisor_view, test_numbers, test_complete, test_rings):
            test(res, Path(tmp))
    print(f'{res.passed} passed, {res.failed} failed')
    return 1 if res.failed else 0


sys.exit(main(sys.argv[1:]))
