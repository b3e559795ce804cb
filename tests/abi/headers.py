# SPDX-License-Identifier: MIT
# Reads the declarations of the ABI headers: constants, structures, types.

import re

TOKEN = re.compile(r'[A-Za-z_]\w*|0[xX][0-9A-Fa-f]+\w*|\d\w*|"[^"]*"|\S')


class Aggregate:
    """A structure or union. members: (name, bit-field width, type with a body)."""

    def __init__(self, kind, tag):
        self.kind, self.tag, self.members = kind, tag, []

    @property
    def type(self):
        return f'{self.kind} {self.tag}' if self.tag else None

    def paths(self, prefix=''):
        """Every member as offsetof takes it, with its bit-field width or None."""
        for name, bits, inner in self.members:
            yield prefix + name, bits
            if inner:
                yield from inner.paths(prefix + name + '.')


class Header:
    """What one header declares, in order."""

    def __init__(self, text):
        text = re.sub(r'/\*.*?\*/', lambda m: '\n' * m[0].count('\n'), text, flags=re.S)
        text = text.replace('\\\n', ' ')
        self.macros, self.calls = {}, {}
        self.aggregates, self.types, self.enumerators = [], [], []
        code = []
        for line in text.split('\n'):
            if line.startswith('#'):
                self.directive(line)
            else:
                code.append(line)
        self.tok, self.at = TOKEN.findall('\n'.join(code)), 0
        while self.at < len(self.tok):
            self.declaration()

    def directive(self, line):
        m = re.match(r'#\s*define\s+(\w+)(\([^)]*\))?\s*(.*)', line)
        if not m:
            return
        if m[2]:
            self.calls[m[1]] = m[2].strip('()').split(',')
        elif m[3].strip():
            self.macros.setdefault(m[1], m[3].strip())

    def next(self):
        self.at += 1
        return self.tok[self.at - 1]

    def peek(self):
        return self.tok[self.at] if self.at < len(self.tok) else None

    def skip(self, opening, closing):
        depth = 0
        while True:
            t = self.next()
            depth += (t == opening) - (t == closing)
            if depth == 0:
                return

    def declaration(self):
        """One declaration at the top of a file."""
        if self.peek() in ('static', 'extern'):
            while self.peek() not in ('{', ';'):
                self.next()
            self.skip('{', '}') if self.peek() == '{' else self.next()
            return
        typedef = self.peek() == 'typedef'
        if typedef:
            self.next()
        inner = self.specifier()
        if inner and inner.tag:
            self.aggregates.append(inner)
        for name, _ in self.declarators():
            if typedef:
                self.types.append(name)
                if inner and not inner.tag:
                    inner.kind, inner.tag = '', name
                    self.aggregates.append(inner)

    def specifier(self):
        """A type; the Aggregate when it has a body."""
        while True:
            t = self.next()
            if t in ('struct', 'union', 'enum'):
                tag = self.next() if self.peek() != '{' else None
                if self.peek() != '{':
                    return None
                return self.enum() if t == 'enum' else self.body(Aggregate(t, tag))
            if self.peek() == '(':          # GUEST_PTR(type), PV_ABI_SIZE(...)
                self.skip('(', ')')
                return None
            if t in ('const', 'unsigned', 'signed', 'long', 'short', 'volatile'):
                if self.peek() in ('int', 'char', 'long', 'short'):
                    continue
                if t in ('const', 'volatile'):
                    continue
            return None

    def enum(self):
        self.next()
        while self.peek() != '}':
            name = self.next()
            self.enumerators.append(name)
            while self.peek() not in (',', '}'):
                self.next()
            if self.peek() == ',':
                self.next()
        self.next()
        return None

    def body(self, agg):
        self.next()
        while self.peek() != '}':
            inner = self.specifier()
            for name, bits in self.declarators():
                agg.members.append((name, bits, inner))
        self.next()
        return agg

    def declarators(self):
        """Names up to the semicolon, each with its bit-field width or None."""
        name, bits = None, None
        while True:
            t = self.next()
            if t in (',', ';'):
                if name:
                    yield name, bits
                name, bits = None, None
                if t == ';':
                    return
            elif t == '[':
                self.at -= 1
                self.skip('[', ']')
            elif t == ':':
                bits = self.next()
            elif t != '*':
                name = t
