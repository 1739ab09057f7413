"""What the checks are made of: the studio asked from outside, conditions waited for, a line for each check."""
import json
import os
import pathlib
import subprocess
import time

CONFIG = pathlib.Path('/etc/vitrine/vitrine.toml')
STATE = pathlib.Path('/var/lib/vitrine/program-state.json')
KEPT = pathlib.Path('/lab/kept')  # what a failure is understood by
PATIENCE_S = 120  # emulation is some thirteen times slower than a box, and the machine may have other work


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def run(*command, patience=PATIENCE_S):
    done = subprocess.run(command, capture_output=True, text=True, timeout=patience)
    if done.returncode != 0:
        raise Failed(f'{" ".join(command)}: exit {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}')
    return done.stdout


def require(is_so, fact):
    if not is_so:
        raise Failed(fact)


def wait_for(what, condition, patience=PATIENCE_S):
    """Waits until condition() is true, and returns what it gave; it raises or returns false until then."""
    end = time.monotonic() + patience
    last = ''
    while time.monotonic() < end:
        try:
            value = condition()
            if value:
                return value
        except (Failed, LookupError, OSError, subprocess.TimeoutExpired) as error:
            last = f' ({error})'
        time.sleep(0.3)
    raise Failed(f'{what}: not within {patience} s{last}')


class Report:
    def __init__(self):
        self.file = open('/lab/report', 'a', buffering=1)
        self.counts = {'passed': 0, 'failed': 0, 'skipped': 0}

    def line(self, text):
        self.file.write(text + '\n')

    def check(self, name, function):
        began = time.monotonic()
        try:
            result, fact = 'passed', function()
        except Skipped as error:
            result, fact = 'skipped', error
        except Exception as error:  # the next checks tell more
            result, fact = 'failed', f'{error}' if isinstance(error, Failed) else f'{type(error).__name__}: {error}'
            keep_evidence()
        self.counts[result] += 1
        self.line(f'{result:7} {time.monotonic() - began:6.1f} s  {name}: {fact}')

    def verdict(self):
        self.line(', '.join(f'{self.counts[key]} {key}' for key in ('passed', 'skipped', 'failed')))


def keep_evidence():
    KEPT.mkdir(exist_ok=True)
    for name, command in {'journal.log': ('journalctl', '--no-pager', '-o', 'short-monotonic'),
                          'status.json': ('vitrinectl', 'status', '--json')}.items():
        try:
            (KEPT / name).write_text(subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S).stdout)
        except subprocess.TimeoutExpired:
            pass  # a guest that has no time for it still has checks to do


# --- the studio ----------------------------------------------------------------------------------------------------------------

def status():
    """What `vitrinectl status` says; that something needs attention is not a failure here."""
    done = subprocess.run(['vitrinectl', 'status', '--json'], capture_output=True, text=True, timeout=PATIENCE_S)
    if done.returncode not in (0, 5):
        raise Failed((done.stderr or done.stdout).strip()[-300:])
    return json.loads(done.stdout)


def named(items, name):
    return next(item for item in items if item['id'] == name)


def camera(name):
    return named(status()['cameras'], name)


def microphone(name):
    return named(status()['microphones'], name)


def program():
    return status()['programs'][0]


def is_shown(name):
    return program().get('picture', {}).get('camera') == name


def start_studio(cameras, microphones=()):
    """The service with a configuration and a first scene of its own: the first camera and every microphone."""
    subprocess.run(['systemctl', 'stop', 'vitrine-studio'], check=True, timeout=PATIENCE_S)
    tables = ''.join(f'[[camera]]\nid = "{name}"\nsource = "{source}"\n' for name, source in cameras.items())
    tables += ''.join(f'[[microphone]]\nid = "{name}"\nsource = "{source}"\n' for name, source in dict(microphones).items())
    CONFIG.write_text('[studio]\nname = "Lab"\nlocale = "en"\n[recording]\nmin_free_mib = 64\n' + tables +
                      '[[program]]\nid = "main"\nwidth = 320\nheight = 180\nfps = 5\nvideo_kbps = 300\npreset = "ultrafast"\n')
    STATE.unlink(missing_ok=True)
    run('systemctl', 'start', 'vitrine-studio', patience=2 * PATIENCE_S)
    show(next(iter(cameras)), *dict(microphones))


def show(camera_id, *microphone_ids):
    state = json.loads(run('vitrinectl', 'state'))
    on_air = any(item.get('on_air') for item in state.get('programs', []))
    scene = {'id': camera_id, 'pictures': [{'camera': camera_id}],
             'slate': {'data': {'shop': 'Lab', 'message': 'no camera'}},
             'sounds': [{'microphone': name} for name in microphone_ids]}
    new = {'version': 1, 'revision': state.get('revision', 0) + 1, 'programs': [{'id': 'main', 'on_air': on_air, 'scene': scene}]}
    pathlib.Path('/run/lab-state.json').write_text(json.dumps(new))
    # Emulated, a drawing may take longer than the studio waits; it says to send it again.
    wait_for('a scene', lambda: run('vitrinectl', 'apply', '/run/lab-state.json'))


def snapshot(name):
    """The picture that is put out, as 8 × 6 pixels of (red, green, blue)."""
    KEPT.mkdir(exist_ok=True)
    png = KEPT / f'{name}.png'
    run('vitrinectl', 'snapshot', str(png))
    raw = subprocess.run(['ffmpeg', '-loglevel', 'error', '-i', png, '-vf', 'scale=8:6:flags=area', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'],
                         capture_output=True, check=True, timeout=PATIENCE_S).stdout
    return [tuple(raw[i:i + 3]) for i in range(0, len(raw), 3)]


def difference(a, b):
    """Mean difference of two pictures, 0 to 255."""
    require(a and b, 'there is no picture to compare with')
    return sum(abs(x - y) for p, q in zip(a, b) for x, y in zip(p, q)) / (3 * len(a))


# --- devices -------------------------------------------------------------------------------------------------------------------

def load(module, *options):
    run('modprobe', module, *options)
    run('udevadm', 'settle')


def unload(module):
    if os.path.exists(f'/sys/module/{module}'):
        wait_for(f'{module} free', lambda: run('rmmod', module) == '')


def plug(driver, device, is_plugged):
    """What pulling the cable does to a driver: its device goes while it is used."""
    pathlib.Path(f'/sys/bus/platform/drivers/{driver}/{"bind" if is_plugged else "unbind"}').write_text(device)


class Background:
    """A program that plays into a loopback device until it is ended."""

    def __init__(self, *command):
        self.log = open('/run/lab-background.log', 'ab')
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def end(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)
