# SPDX-License-Identifier: MIT
"""One boot of a machine in QEMU: its console, how it ended, and why."""

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

# A line of the console that says why the machine, or a domain, had to die.
DEATH = re.compile(
    r'\*\*\* Pavise stops: .*'
    r'|\bd\d+ \(.*?\) killed: .*'
    r'|\(XEN\) Panic on CPU.*|\(XEN\) Domain 0 crashed.*|\(XEN\) Hardware Dom0 .*'
    r'|Kernel panic - not syncing: .*'
    r'|INIT-CONFUSED.*')

ESCAPES = re.compile(r'\r|\x1b\[[0-9;?]*[A-Za-z]')

SUCCESS, KILLED, HANG = 'success', 'killed', 'hang'

running = set()  # processes of QEMU, each the leader of a group


def end_all():
    """For whoever is interrupted: no machine outlives its test."""
    for process in list(running):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


class Machine:
    """Boots scripts/qemu (or another `command` of scripts/) with these arguments, follows its console to the end.

    monitor: what is done to the machine: (regular expression to wait for, command for QEMU's monitor)
    talk:    what a person would do at the console: (regular expression to wait for, text to type)
    success: a regular expression; the boot is one when it has been seen and the machine has ended
             in the way `end` says: 'poweroff', 'reset', or None for any (also that it goes on).
    timeout: of the whole boot; silence: without a character on the console. Both in seconds.
    """

    def __init__(self, arguments, success, *, end='poweroff', talk=(), monitor=(), timeout=300, silence=120,
                 log=None, echo=None, command='qemu', environment=None):
        self.arguments = list(arguments)
        self.success = re.compile(success)
        self.end = end
        self.talk = [(re.compile(wait), text) for wait, text in talk]
        self.monitor = [(re.compile(wait), text) for wait, text in monitor]
        self.timeout = timeout
        self.silence = silence
        self.log = log
        self.echo = echo
        self.command = command
        self.environment = {**os.environ, **{k: v for k, v in (environment or {}).items() if v}}
        self.lines = []          # of the console, without their ends
        self.partial = ''
        self.events = []         # of the machine monitor
        self.death = None        # the first line that says why
        self.seen = False        # the mark of success
        self.verdict = None
        self.reason = ''
        self.seconds = 0.0

    def run(self):
        """Boots, waits for the end, and returns the verdict; `reason` says more."""
        self.start = time.monotonic()
        if self.log:
            Path(self.log).parent.mkdir(parents=True, exist_ok=True)
        self.file = open(self.log or os.devnull, 'w', encoding='utf-8', errors='replace')
        with tempfile.TemporaryDirectory() as folder, self.file:
            path = os.path.join(folder, 'qmp')
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)
                listener.listen(1)
                listener.setblocking(False)
                self._follow(listener, [str(TOP / 'scripts' / self.command), '--qmp', path, *self.arguments])
            self.seconds = time.monotonic() - self.start
            self._note(f'verdict: {self.verdict} {self.reason}')
        return self.verdict

    def text(self):
        return '\n'.join([*self.lines, self.partial])

    # -- the console

    def _note(self, text):
        self.file.write(f'{time.monotonic() - self.start:8.2f} -- {text}\n')

    def _console(self, data):
        text = data.decode('utf-8', errors='replace')
        if self.echo:
            self.echo.write(text)
            self.echo.flush()
        # An escape sequence may come in two pieces.
        *whole, self.partial = ESCAPES.sub('', self.partial + text).split('\n')
        for line in whole:
            self._line(line)
            self.lines.append(line)
            self.file.write(f'{time.monotonic() - self.start:8.2f} {line}\n')
        self.file.flush()
        if not self.seen and self.success.search(self.partial):
            self.seen = True
        if self.talk and self.talk[0][0].search('\n'.join([*self.lines[-20:], self.partial])):
            _, answer = self.talk.pop(0)
            self._note(f'typed: {answer!r}')
            self.process.stdin.write(answer.encode())
            self.process.stdin.flush()

        if self.monitor and self.monitor[0][0].search('\n'.join([*self.lines[-20:], self.partial])):
            _, text = self.monitor.pop(0)
            self._note(f'monitor: {text}')
            self._qmp_send(execute='human-monitor-command', arguments={'command-line': text})

    def _line(self, line):
        if self.success.search(line):
            self.seen = True
        found = DEATH.search(line)
        if found and not self.death:
            self.death = found.group(0).strip()
            self.death_time = time.monotonic()

    # -- the machine monitor

    def _qmp_send(self, **command):
        try:
            self.qmp.sendall(json.dumps(command).encode() + b'\n')
        except OSError:
            pass

    def _qmp_data(self, data):
        self.qmp_buffer += data
        *lines, self.qmp_buffer = self.qmp_buffer.split(b'\n')
        for line in lines:
            if line.strip():
                message = json.loads(line)
                self.events.append(message)
                if 'return' in message and isinstance(message['return'], str):
                    self._note('registers:\n' + message['return'].replace('\r', ''))
                if message.get('event') == 'BLOCK_IO_ERROR' and not self.death:
                    self.death = 'QEMU could not write to a disk image: ' + message['data'].get('reason', '')
                    self.death_time = time.monotonic()

    def _how_it_ended(self):
        """'guest-shutdown', 'guest-reset', ... as QEMU says it, or ''."""
        for message in self.events:
            if message.get('event') == 'SHUTDOWN':
                return message['data'].get('reason', '')
        return ''

    def _dump(self):
        """Where every processor is: for whoever reads the log of a hang."""
        if self.qmp:
            for _ in range(2):
                self._qmp_send(execute='human-monitor-command',
                               arguments={'command-line': 'info registers -a'})
                end = time.monotonic() + 1
                while time.monotonic() < end:
                    if select.select([self.qmp], [], [], 0.1)[0]:
                        data = self.qmp.recv(65536)
                        if not data:
                            return
                        self._qmp_data(data)

    # -- the loop

    def _follow(self, listener, command):
        self.qmp, self.qmp_buffer = None, b''
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, start_new_session=True, env=self.environment)
        running.add(self.process)
        self._note('command: ' + ' '.join(command))
        stdout = self.process.stdout.fileno()
        last_sound = self.start
        try:
            while True:
                sources = [stdout, self.qmp or listener]
                for ready in select.select(sources, [], [], 1)[0]:
                    if ready is listener:
                        self.qmp, _ = listener.accept()
                        self._qmp_send(execute='qmp_capabilities')
                    elif ready is self.qmp:
                        try:
                            data = self.qmp.recv(65536)
                        except OSError:      # QEMU ended in the middle of a word
                            data = b''
                        if data:
                            self._qmp_data(data)
                        else:
                            sources = []
                    else:
                        data = os.read(stdout, 65536)
                        if not data:
                            return self._judge_end()
                        last_sound = time.monotonic()
                        self._console(data)
                if not sources:              # the monitor is gone: QEMU ends
                    self.qmp.close()
                    self.qmp = None
                    rest = self.process.stdout.read()
                    self._console(rest)
                    return self._judge_end()
                if self._judge_running(last_sound):
                    return None
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            running.discard(self.process)
            self.process.stdout.close()
            self.process.stdin.close()
            if self.qmp:
                self.qmp.close()

    def _judge_running(self, last_sound):
        now = time.monotonic()
        if self.seen and self.end is None and not self.talk:
            self.verdict = SUCCESS
        elif self.death and not (self.seen and self.end) and now - self.death_time > 10:
            self.verdict, self.reason = KILLED, self.death
        elif now - self.start > self.timeout:
            self.verdict, self.reason = HANG, f'not done after {self.timeout} s, last: {self._last()}'
        elif now - last_sound > self.silence:
            self.verdict, self.reason = HANG, f'silent for {self.silence} s, last: {self._last()}'
        if self.verdict in (HANG, KILLED):
            self._dump()
        return self.verdict

    def _last(self):
        lines = [line for line in [*self.lines[-5:], self.partial] if line.strip()]
        return lines[-1].strip()[:150] if lines else 'nothing was printed at all'

    def _judge_end(self):
        code = self.process.wait()
        how = {'guest-shutdown': 'poweroff', 'guest-reset': 'reset'}.get(self._how_it_ended(), '')
        if code < 0:
            self.verdict = KILLED
            self.reason = f'QEMU was ended by {signal.Signals(-code).name}, last: {self._last()}'
        elif code:
            self.verdict, self.reason = KILLED, f'QEMU ended with code {code}: {self._last()}'
        elif self.seen and self.end in (None, how):
            self.verdict = SUCCESS
        elif self.death:
            self.verdict, self.reason = KILLED, self.death
        elif self.seen:
            self.verdict = KILLED
            self.reason = f'the machine ended by {how or "itself"} instead of {self.end}'
        else:
            self.verdict = KILLED
            self.reason = f'the machine ended early (by {how or "itself"}), last: {self._last()}'
        return self.verdict
