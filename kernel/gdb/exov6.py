"""gdb commands for the kernel's own structures; `cargo xtask gdb` loads them.

    exo-cpus             the processors: number, APIC, interrupts, where each is
    exo-mem              physical memory: given, free, free in the direct map
    exo-trace [COUNT]    the last events of all processors, oldest first
    exo-pagetables ADDR  how the processor translates ADDR, entry by entry
    exo-locks            the locks that each processor holds
    exo-batch FILE       run a script whose first error ends gdb with status 1

They read memory only, so they work wherever the kernel has stopped, also in
the middle of a panic. They find fields by name through the debug information;
a field that was renamed is an error that says which.
"""

import gdb

PAGE = 0x1000
LARGE_PAGE = 0x400000
FLAGS = [(0, "P", "-"), (1, "W", "r"), (2, "U", "s"), (5, "A", "-"), (6, "D", "-"), (7, "L", "-"), (8, "G", "-")]


def static(name):
    """The value of a static item of the kernel, by its path."""
    symbol = gdb.lookup_static_symbol(name) or gdb.lookup_global_symbol(name)
    if symbol is None:
        raise gdb.GdbError("the kernel has no static %s: is this its kernel.debug?" % name)
    return symbol.value()


def plain(value):
    """What is inside atomics, cells and other types around one value."""
    while value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
        fields = [f for f in value.type.strip_typedefs().fields() if f.type.sizeof]
        if len(fields) != 1:
            raise gdb.GdbError("%s is not one value" % value.type)
        value = value[fields[0]]
    return value


def number(value):
    """The same as a Python number."""
    return int(plain(value))


def within(value, name):
    """The first field `name` in a value or in what it wraps, outermost first."""
    queue = [value]
    while queue:
        value = queue.pop(0)
        if value.type.strip_typedefs().code != gdb.TYPE_CODE_STRUCT:
            continue
        for field in value.type.strip_typedefs().fields():
            if field.name == name:
                return value[field]
            if field.type.sizeof:
                queue.append(value[field])
    raise gdb.GdbError("nothing in it is called %s" % name)


def elements(array):
    """The elements of an array."""
    first, last = array.type.range()
    return [array[index] for index in range(first, last + 1)]


def areas():
    """The per-processor areas of the processors that came up."""
    pointers = [plain(entry) for entry in elements(static("kernel::arch::percpu::REGISTRY"))]
    return [pointer.dereference() for pointer in pointers if int(pointer)]


def place(pc):
    """A code address as people read it."""
    symbol = gdb.execute("info symbol %#x" % pc, to_string=True).strip()
    return "%#010x" % pc if symbol.startswith("No symbol") else "%#010x %s" % (pc, symbol.split(" in section")[0])


def registers_by_area():
    """Where each processor is: EIP by the address of its area, from FS."""
    found = {}
    before = gdb.selected_thread()
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        frame = gdb.newest_frame()
        found[int(frame.read_register("fs_base")) & 0xFFFFFFFF] = (thread.num, frame.pc())
    if before is not None:
        before.switch()
    return found


class Cpus(gdb.Command):
    """exo-cpus: the processors that came up, and where each of them is."""

    def __init__(self):
        super().__init__("exo-cpus", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        here = registers_by_area()
        for area in areas():
            thread, pc = here.get(int(area.address), (None, None))
            where = "elsewhere" if pc is None else "thread %d at %s" % (thread, place(pc))
            print("cpu%d apic %d interrupts %d depth %d: %s" % (
                number(area["id"]), number(area["apic_id"]), number(area["interrupts"]),
                number(area["interrupt_depth"]), where))
        if not areas():
            print("no processor has installed its area yet")


class Memory(gdb.Command):
    """exo-mem: physical memory, in frames of 4 KiB."""

    def __init__(self):
        super().__init__("exo-mem", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        frames = static("kernel::mm::frames::FRAMES")
        for name in ("total", "free", "low_free"):
            count = number(within(frames, name))
            print("%-9s %7d frames %8d KiB" % (name, count, count * PAGE // 1024))


class Trace(gdb.Command):
    """exo-trace [COUNT]: the last events of all processors, oldest first."""

    def __init__(self):
        super().__init__("exo-trace", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        wanted = int(gdb.parse_and_eval(argument)) if argument else 20
        fields = gdb.lookup_type("kernel::trace::Kind").fields()
        names = {field.enumval: field.name.split("::")[-1] for field in fields}
        events = []
        for ring in elements(static("kernel::trace::RINGS")):
            for slot in elements(ring["slots"]):
                # 0: never written, or being written right now.
                if number(slot["stamp"]) == 0:
                    continue
                tsc = number(slot["tsc_high"]) << 32 | number(slot["tsc_low"])
                both = number(slot["cpu_and_kind"])
                events.append((tsc, both, number(slot["a"]), number(slot["b"])))
        for tsc, both, a, b in sorted(events)[-wanted:]:
            # The layout of Slot::cpu_and_kind: kind in the low half, then the processor.
            kind, cpu = both & 0xFFFF, both >> 16 & 0xFF
            print("%16d cpu%d %-12s %#x %#x" % (tsc, cpu, names.get(kind, "kind %d" % kind), a, b))
        if not events:
            print("no events yet")


class PageTables(gdb.Command):
    """exo-pagetables ADDR: how the selected processor translates an address."""

    def __init__(self):
        super().__init__("exo-pagetables", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("exo-pagetables needs an address: exo-pagetables $esp")
        address = int(gdb.parse_and_eval(argument)) & 0xFFFFFFFF
        frame = gdb.selected_frame()
        if not int(frame.read_register("cr0")) >> 31 & 1:
            print("paging is off: physical %#010x" % address)
            return
        directory = int(frame.read_register("cr3")) & 0xFFFFF000
        entry = physical_word(directory + (address >> 22) * 4)
        print("cr3 %#010x, directory entry %4d: %s" % (directory, address >> 22, describe(entry)))
        if not entry & 1:
            return
        if entry >> 7 & 1:
            physical = entry & 0xFFC00000 | address & LARGE_PAGE - 1
        else:
            index = address >> 12 & 0x3FF
            entry = physical_word((entry & 0xFFFFF000) + index * 4)
            print("                    table entry %4d: %s" % (index, describe(entry)))
            if not entry & 1:
                return
            physical = entry & 0xFFFFF000 | address & PAGE - 1
        print("%#010x is physical %#010x" % (address, physical))


def describe(entry):
    """A directory or table entry (Intel SDM 3A 4.3)."""
    if not entry & 1:
        return "%#010x not present" % entry
    return "%#010x %s" % (entry, "".join(yes if entry >> bit & 1 else no for bit, yes, no in FLAGS))


def physical_word(address):
    """A word at a physical address: QEMU reads so while it is told to."""
    gdb.execute("maintenance packet Qqemu.PhyMemMode:1", to_string=True)
    try:
        # gdb's cache knows only virtual addresses.
        gdb.execute("maintenance flush dcache", to_string=True)
        data = gdb.selected_inferior().read_memory(address, 4)
    finally:
        gdb.execute("maintenance packet Qqemu.PhyMemMode:0", to_string=True)
        gdb.execute("maintenance flush dcache", to_string=True)
    return int.from_bytes(data.tobytes(), "little")


class Locks(gdb.Command):
    """exo-locks: the ranked locks each processor holds."""

    def __init__(self):
        super().__init__("exo-locks", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        for area in areas():
            held = within(area["held_locks"], "held")
            count = number(within(area["held_locks"], "count"))
            print("cpu%d holds %d" % (number(area["id"]), count))
            for lock in elements(held)[:count]:
                print("  %s" % lock)


class Batch(gdb.Command):
    """exo-batch FILE: runs a script; gdb's exit status is its verdict.

    The script passes if all its commands succeed and it does not `quit` with
    another status itself. (`gdb -batch` alone forgets errors in the middle.)
    """

    def __init__(self):
        super().__init__("exo-batch", gdb.COMMAND_SUPPORT, gdb.COMPLETE_FILENAME)

    def invoke(self, argument, from_tty):
        try:
            gdb.execute("source " + argument)
        except gdb.error as error:
            gdb.write("error: %s\n" % error, gdb.STDERR)
            gdb.execute("quit 1")


for command in (Batch, Cpus, Memory, Trace, PageTables, Locks):
    command()
