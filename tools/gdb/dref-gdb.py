# SPDX-License-Identifier: GPL-2.0
"""gdb commands that show the objects and classes of dref.

    (gdb) source tools/gdb/dref-gdb.py
    (gdb) dref-symbols FILE         load the symbols of the modules (see its help)
    (gdb) dref ADDRESS              show one object
    (gdb) dref-objects [CLASS]      list the objects that have a slot
    (gdb) dref-class [NAME]         show the counts of a class, or list all classes

The commands need no symbols of the kernel: dref.ko has the values that debugging
information lacks in dref_debugger (module/inspect/debugger.c). All output is read from
memory, so a memory dump works as well as a machine that is stopped.
"""

import os
import re

import gdb

MODULES = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                       "..", "..", "module")


class Command(gdb.Command):
    """A command that reports errors as messages, without a traceback of this script."""

    def invoke(self, argument, from_tty):
        try:
            self.run(argument)
        except gdb.error as error:
            raise gdb.GdbError(str(error))


# ---- values from the module ----

def variable(name):
    try:
        return gdb.parse_and_eval(name)
    except gdb.error as error:
        raise gdb.GdbError("no symbols of dref.ko (see help dref-symbols): %s" % error)


def known(name):
    """A member of dref_debugger, as the module was built."""
    return variable("dref_debugger")[name]


def number(name):
    return int(known(name))


def at(address, type_name):
    """The object of the given type at an address."""
    return gdb.Value(address).cast(
        gdb.lookup_type(type_name).pointer()).dereference()


def possible_cpus():
    bits = known("possible").dereference()["bits"]
    first, last = bits.type.range()
    for index in range(first, last + 1):
        word = int(bits[index])
        for bit in range(64):
            if word >> bit & 1:
                yield 64 * index + bit


def of_cpu(pointer, type_name, cpu):
    """The target of a per-CPU pointer on one CPU."""
    offset = int(known("per_cpu_offset")[cpu])
    return at((int(pointer) + offset) % 2 ** 64, type_name)


def entries(head, type_name, member):
    """The structures on a list_head list."""
    offset = next(field.bitpos // 8 for field in gdb.lookup_type(type_name).fields()
                  if field.name == member)
    node = head["next"]
    while node != head.address:
        yield at(int(node) - offset, type_name)
        node = node.dereference()["next"]


# ---- objects ----

# Words of the bytes with which the kernel poisons memory: no mode words
POISONS = [int.from_bytes(bytes([byte] * 8), "little") for byte in (0x5a, 0x6b)]


def state(mode):
    """What the tags of a mode word say, as dref_mode_state() in the kernel."""
    tags = mode & number("tags")
    if mode == number("immortal") or tags == number("uncounted"):
        return "immortal"
    if tags == number("exact"):
        return "exact"
    if tags in (number("deferred"), number("killed_slot")):
        return "deferred"
    if mode in POISONS:
        return "none"
    return {number("demoting"): "demoting", number("dying"): "dying"}.get(
        tags & ~number("killed_slot"), "none")


def killed(mode):
    """Whether an object has been killed, as dref_mode_killed() in the kernel."""
    if mode & number("tags") in (number("exact"), number("uncounted")):
        return bool(mode & number("killed"))
    return state(mode) != "none" and \
        mode & (number("killed_slot") | number("deferred")) == number("killed_slot")


class Dref:
    """A snapshot of one struct dref."""

    def __init__(self, ref):
        self.ref = ref
        self.mode = int(ref["mode"])
        self.raw = int(ref["count"]["counter"])
        self.state = state(self.mode)
        self.exact = self.state == "exact"
        self.immortal = self.state == "immortal"
        counted = self.state not in ("immortal", "none")
        # A dead object has a count far below those that a bug may cause
        self.dead = counted and self.raw < -number("limit") - 1
        self.slot = None
        if counted and not self.exact and self.raw >= 0:
            self.slot = self.mode & ~number("tags")
        self.cpus = [(cpu, int(counts["gets"]), int(counts["puts"]))
                     for cpu, counts in self.counts()]
        self.gets = sum(gets for _, gets, _ in self.cpus) % 2 ** 64
        self.puts = sum(puts for _, _, puts in self.cpus) % 2 ** 64

    def counts(self):
        if self.slot is None:
            return
        for cpu in possible_cpus():
            yield cpu, of_cpu(self.slot, "struct dref_counts", cpu)

    def count(self):
        """The references in count, without the bias, as debugfs shows them."""
        return self.raw + 1 - (number("bias") if self.slot is not None else 0)

    def references(self):
        if self.immortal:
            return "not counted"
        if self.dead or self.state == "none":
            return "0"
        return str(self.count() + self.gets - self.puts)

    def state_name(self):
        if self.dead:
            return "dead"
        if self.exact:
            return "exact on CPU %d" % (self.mode >> number("cpu_shift") &
                                        2 ** number("cpu_bits") - 1)
        return self.state

    def mode_words(self):
        words = [self.state_name()]
        if killed(self.mode):
            words.append("killed")
        if self.exact and not self.dead:
            window = self.mode >> number("window_shift") & \
                2 ** (number("heat_shift") - number("window_shift")) - 1
            if self.mode & number("tracked"):
                words.append("tracked")
            if self.mode & number("queued"):
                words.append("queued for promotion")
            if self.mode & number("cold"):
                words.append("cold until window %d" % window)
            elif self.mode >> number("heat_shift"):
                words.append("heat %d in window %d" %
                             (self.mode >> number("heat_shift"), window))
        return ", ".join(words)


def class_name(dref_class):
    return dref_class["name"].string() if dref_class else "none"


def class_flags(dref_class):
    flags = int(dref_class["flags"])
    words = [word for word in ("sleep", "rcu", "exact", "async")
             if flags & number(word + "_flag")]
    return " ".join(words) or "none"


def show(ref):
    dref = Dref(ref)
    dref_class = ref["class"]
    print("ref: %#x" % int(ref.address))
    print("class: %s" % class_name(dref_class))
    if dref_class:
        print("flags: %s" % class_flags(dref_class))
    print("mode: %s (%#x)" % (dref.mode_words(), dref.mode))
    if not dref.immortal and not dref.dead and dref.state != "none":
        print("count: %d" % dref.count())
    if dref.slot is not None:
        print("gets: %d" % dref.gets)
        print("puts: %d" % dref.puts)
        for cpu, gets, puts in dref.cpus:
            print("cpu%d: gets %d puts %d" % (cpu, gets, puts))
    print("references: %s" % dref.references())


class ShowDref(Command):
    """Show an object: dref ADDRESS

ADDRESS is an expression, such as the address of a struct dref or a pointer to one.
"count" is the number of references in the object itself, without the bias.
"references" is the total number. An immortal object is not counted."""

    def __init__(self):
        super().__init__("dref", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def run(self, argument):
        if not argument:
            raise gdb.GdbError("usage: dref ADDRESS")
        variable("dref_debugger")       # fails if there are no symbols
        show(at(int(gdb.parse_and_eval("(unsigned long)(%s)" % argument)),
                "struct dref"))


# ---- slots ----

def slots():
    """All slots that have an object, in the order of debugfs."""
    chunks = [chunk for name in ("partial_chunks", "full_chunks")
              for chunk in entries(variable(name), "struct dref_chunk", "node")]
    for chunk in sorted(chunks, key=lambda chunk: int(chunk["number"])):
        first, last = chunk["slots"].type.range()
        for index in range(first, last + 1):
            if chunk["slots"][index]["ref"]:
                yield chunk["slots"][index]


class ShowObjects(Command):
    """List the objects that have a slot: dref-objects [CLASS]

Prints one line for each object, as classes/NAME/objects of debugfs does, but with
the address and the class of the object. Exact and immortal objects are on no list,
so they are not shown."""

    def __init__(self):
        super().__init__("dref-objects", gdb.COMMAND_DATA)

    def run(self, argument):
        for slot in slots():
            name = class_name(slot["class"])
            if argument and argument != name:
                continue
            dref = Dref(slot["ref"].dereference())
            if dref.slot is None:
                continue        # it is just being promoted or demoted
            print("%016x: mode %s count %d gets %d puts %d idle_passes %d class %s" %
                  (int(slot["ref"]), dref.state_name(), dref.count(), dref.gets,
                   dref.puts, int(slot["idle_passes"]), name))


# ---- classes ----

def events(dref_class):
    """The number of objects created, and the counts by the names of enum dref_event."""
    names = [(field.name, field.enumval)
             for field in gdb.lookup_type("enum dref_event").fields()
             if field.name != "DREF_NR_EVENTS"]
    sums = dict.fromkeys((name for name, _ in names), 0)
    created = 0
    for cpu in possible_cpus():
        counted = of_cpu(dref_class["cpu"], "struct dref_class_cpu", cpu)
        created += int(counted["created"])
        for name, index in names:
            sums[name] += int(counted["events"][index])
    return created, sums


def show_class(dref_class):
    created, sums = events(dref_class)
    live = created - sum(sums[end] for end in (
        "DREF_RELEASED_EXACT", "DREF_RELEASED_DEFERRED", "DREF_EXITED",
        "DREF_IMMORTALIZED"))
    deferred = int(dref_class["deferred"]["counter"])
    print("class: %#x" % int(dref_class.address))
    print("release: %s" % dref_class["release"])
    print("flags: %s" % class_flags(dref_class))
    print("deferred: %d" % deferred)
    print("exact_live: %d" % max(live - deferred, 0))
    for name, value in sums.items():
        print("%s: %d" % ({"DREF_IMMORTALIZED": "immortal"}.get(
            name, name[len("DREF_"):].lower()), value))


class ShowClass(Command):
    """Show a class: dref-class [NAME]

Prints the counts of the class, as classes/NAME/stats of debugfs does. Without NAME,
lists the names of all classes."""

    def __init__(self):
        super().__init__("dref-class", gdb.COMMAND_DATA)

    def run(self, argument):
        for dref_class in entries(variable("dref_classes"), "struct dref_class", "node"):
            name = class_name(dref_class)
            if not argument:
                print(name)
            elif argument == name:
                show_class(dref_class)
                return
        if argument:
            raise gdb.GdbError("no class %s is registered" % argument)


# ---- symbols ----

class LoadSymbols(Command):
    """Load the symbols of the modules: dref-symbols FILE [FOLDER]

FILE has the addresses of the sections of the modules. To create it, run as root on
the machine that is debugged:

    grep . /sys/module/dref*/sections/.[a-z]* >FILE

The .ko files that are loaded on that machine are below FOLDER, with debugging information
(default: module/ of this tree). This command is not needed if gdb already has the
symbols of the modules, from lx-symbols or from "mod -s" of crash."""

    def __init__(self):
        super().__init__("dref-symbols", gdb.COMMAND_FILES, gdb.COMPLETE_FILENAME)

    def run(self, argument):
        words = gdb.string_to_argv(argument)
        if len(words) not in (1, 2):
            raise gdb.GdbError("usage: dref-symbols FILE [FOLDER]")
        folder = words[1] if len(words) == 2 else MODULES
        try:
            with open(words[0], encoding="ascii", errors="replace") as lines:
                sections = self.sections(lines)
        except OSError as error:
            raise gdb.GdbError(str(error))
        if "dref" not in sections:
            raise gdb.GdbError("%s does not say where dref is loaded" % words[0])
        for name in sections:
            self.load(self.module(folder, name), sections[name])

    @staticmethod
    def module(folder, name):
        """The path of NAME.ko, somewhere below the folder."""
        for path, _, files in os.walk(folder):
            if name + ".ko" in files:
                return os.path.join(path, name + ".ko")
        return os.path.join(folder, name + ".ko")

    @staticmethod
    def sections(lines):
        found = {}
        for line in lines:
            match = re.match(r"/sys/module/(\w+)/sections/(\.[\w.]+):(0x[0-9a-f]+)\s*$",
                             line)
            if match and int(match[3], 16):
                found.setdefault(match[1], {})[match[2]] = match[3]
        return found

    @staticmethod
    def load(path, sections):
        if not os.access(path, os.R_OK):
            raise gdb.GdbError("cannot read %s" % path)
        command = 'add-symbol-file "%s"' % path
        for name in (".text", ".data", ".bss", ".rodata"):
            if name in sections:
                command += " -s %s %s" % (name, sections[name])
        gdb.execute(command, to_string=True)


ShowDref()
ShowObjects()
ShowClass()
LoadSymbols()
