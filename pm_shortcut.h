<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
# Architecture

## The way through

Data goes one way, from the program's malloc to the two reports. Files are under
`pymemcheck/`.

```
the program (simulated)                      the tool (native)

_PyEval_EvalFrameDefault
  preload/pm_evaluation.c: wrapper
  stores its first argument in the
  thread's slot, and takes it out
        :
malloc, operator new ...
  replaced by Valgrind's own
  replacements, in our preloaded object
        | helper call at the entry
        +---------------------------------> tool/core/pm_shortcut.c   do_simple_call
        | or client request
        +---------------------------------> tool/core/pm_shortcut.c   carry_out
                                            tool/allocator/pm_allocator.c       on_malloc, on_free ... -> enter, leave
                                              |
                                              v  pm_capture_stack (tool/capture/pm_capture.c)
                                              |    pm_snapshots_find  still the same? that  tool/capture/pm_snapshot.c
                                              |    pm_unwind_stack    native addresses      tool/capture/pm_unwind.c
                                              |      pm_unwind_rules_walk    by learned steps      dwarf/pm_unwind_rules.c
                                              |    pm_python_walk     the thread's slot     tool/capture/pm_python.c
                                              |      pm_walk_again    (code, position)...   cpython/pm_walk.c
                                              |    python_part            as the last one's, or
                                              |      pm_python_resolve   file, function, line
                                              |        pm_code_resolve                      cpython/pm_code.c
                                              |    native_part            noted with the addresses, or
                                              |      pm_native_resolve   names, layers      tool/capture/pm_native.c
                                              |    pm_pairs_stack         met before, or     heap/pm_pairs.c
                                              |      pm_splice           one mixed stack    heap/pm_splice.c
                                              |      pm_stacks_intern    its number         heap/pm_stacks.c
                                              v
                                            pm_blocks_insert   address -> size, stack, serial   heap/pm_blocks.c
                                            pm_sites_of        the stack's site, noted with its join
                                            pm_sites_allocate  per site: total, live, peak,
                                                               sizes                        heap/pm_sites.c
a header given out of a free list
  a store of 1, or _Py_NewReference
        | helper call
        +---------------------------------> tool/capture/pm_probe.c      on_new_reference
                                            tool/allocator/pm_allocator.c       pm_allocator_reused -> pm_sites_move
exit, signal, exec
        +---------------------------------> tool/pm_main.c       finish
                                            tool/pm_process.c    before_syscall
                                              |
                                              v
                                            tool/pm_output.c     freeze: struct pm_profile, read-only
                                              |     source lines of native frames                tool/capture/pm_lines.c
                                              |       pm_line_search                             dwarf/pm_line_search.c
                                              |-> report/pm_text*.c   pm_text_write: Valgrind's log
                                              `-> report/pm_json.c    pm_json_write: pymemcheck.out.<pid>
```

Loss records pass `tool/errors/pm_errors.c` on their way to the log: suppressions and
`--error-exitcode=` are the core's business. A wrong free goes from `tool/allocator/pm_allocator.c` to `pm_wrong_frees.c`
and `pm_errors.c` at once.

A leak search, at the end, at `Py_FinalizeEx` (`pm_probe.c`) or on request, adds to the profile:

```
tool/leaks/pm_leak_report.c   when to search, what becomes of the records
  tool/leaks/pm_leak_check.c    pm_leak_check_search
    heap/pm_blocks.c       all live blocks          \
    cpython/pm_object.c    which of them are objects  > struct pm_leaks
    tool/leaks/pm_roots.c        where pointers may be    /
    heap/pm_leaks.c        pm_leaks_search: kinds, references, one way to each block
    heap/pm_losses.c       pm_losses_add: one record for each leak
  tool/errors/pm_errors.c       the core's error manager: suppressions, counts, XML
    report/pm_text_leaks.c, report/pm_xml.c
```

Nothing goes back. Only the writers print, apart from messages about the run itself (an
interpreter refused, a file not written). Only `base/pm_reader.c` reads the program's memory
on its word; a read that is not possible returns false.

## Layers

| folder | job | may include |
|---|---|---|
| `base/` | platform seam (allocate, free, panic), buffer, characters, map, strings, sort, reader of client memory | nothing else |
| `cpython/` | all that knows CPython: layouts, frame walk, code objects, strings, line tables, allocator layers and interfaces | `base/` |
| `dwarf/` | sections of ELF files, line programs, steps over native frames | `base/` |
| `heap/` | blocks, frames, stacks, sites, histograms, splice, sums by caller, function, line, stack; freed blocks, suppressions, filters; the frozen profile | `base/` |
| `report/` | emitter and JSON, text, XML, labels | `base/`, `heap/` |
| `tool/` | all that knows Valgrind | everything, `pub_tool_*.h` |
| `preload/` | what runs inside the program | `base/` (types), `valgrind.h` |

`cpython/`, `dwarf/` and `heap/` do not know each other; `tool/` joins them. The first
five are *shared code*: freestanding C, without a libc, compiled twice. In the tool
`tool/pm_platform_valgrind.c` is under it. In `libpymemcheck_hosted.a`, with ASan and UBSan,
`base/pm_platform_hosted.c` is, and the unit tests are on top.

`tests/check-layers`, the first test of `make check`, enforces this: includes; Valgrind's
headers only in `tool/`; no libc headers, no writable file-scope variables and no foreign
calls in shared code (by `nm` on the objects); no comparison of version numbers outside the
layout tables; SPDX lines; at most 600 lines a file; every file named in a `Makemodule.am`.
Before it looks at the tree it breaks each rule once in a tree of its own and expects the
complaint.

Inside `tool/`, one folder for each job. The files beside the folders are the run itself.

| room | job |
|---|---|
| `tool/` | the run: what the core calls first and last, the command line, processes, the report |
| `tool/allocator/` | the replaced allocator: carries requests out and counts them |
| `tool/capture/` | who is asking: native and Python frames, joined and interned |
| `tool/leaks/` | leak searches: roots, stages, reasons, reports |
| `tool/errors/` | wrong frees, loss records and suppressions, through the core's error manager |
| `tool/core/` | all that leans on Valgrind's insides instead of its tool API |

| file | job |
|---|---|
| `pm_main.c` | tells the core what the tool needs; owns `struct pm_run`; sets the changed core defaults |
| `pm_memory.c` | which pages of the program can be read; tables of virtual functions |
| `pm_options.c` | the command line |
| `pm_output.c` | freezes the profile, opens and renames files |
| `pm_platform_valgrind.c` | the platform seam |
| `pm_process.c` | fork, exec, exit; the hint about shells |
| `pm_source.c` | source lines for the table of live blocks |
| `allocator/pm_allocator.c` | the replaced allocator: carries requests out and counts them |
| `capture/pm_callsite.c` | which function a call instruction called |
| `capture/pm_capture.c` | who is asking: native and Python frames joined, interned, remembered |
| `capture/pm_guest.c` | what helper calls in translated code say of registers |
| `capture/pm_lines.c` | object and address -> source line, from its files, when a report wants it |
| `capture/pm_native.c` | address -> object, function, offset, allocator layer |
| `capture/pm_probe.c` | helper calls at the birth of objects |
| `capture/pm_python.c` | the interpreter, its threads, code object and position -> frame |
| `capture/pm_snapshot.c` | results of `pm_capture.c`, looked up by the words they depend on |
| `capture/pm_unwind.c` | native addresses, by learned steps or from the core's unwinder; what was said of them |
| `leaks/pm_collectable.c` | garbage that the collector would free, told from an extension's |
| `leaks/pm_free_lists.c` | pointers that CPython's free lists left behind |
| `leaks/pm_leak_chain.c` | why a block is still alive, in words |
| `leaks/pm_leak_check.c` | joins blocks, objects, roots and the search; the audit of counts; records |
| `leaks/pm_leak_report.c` | when leaks are searched for, and how the records reach the log |
| `leaks/pm_roots.c` | registers, live stacks and mappings in which pointers are looked for |
| `leaks/pm_type_names.c` | names of types, noted before finalization |
| `leaks/pm_waiting_blocks.c` | dict keys and blocks of deques that wait in free lists |
| `errors/pm_errors.c` | errors through the core's error manager: printing, suppressions, suggestions |
| `errors/pm_suppression_entries.c` | entries of suppression files, as the core meets them |
| `errors/pm_wrong_frees.c` | wrong frees |
| `core/pm_core.h` | what is used of the core that is not in its headers for tools |
| `core/pm_core_bytes.c` | the core's filling and copying of memory, in larger pieces |
| `core/pm_core_lines.c` | the core's reading of lines left out, its questions for them answered |
| `core/pm_core_match.c` | names compared with patterns of replaced functions, quicker than the core does |
| `core/pm_core_open.c` | a log file that cannot be opened: standard error instead |
| `core/pm_core_passes.c` | passes of the core's translation that are left out |
| `core/pm_shortcut.c` | a short way from malloc to `pm_allocator.c` |

## Where to put things

| to add | go to |
|---|---|
| a CPython version | `cpython/pm_layout.c`, see [layouts.md](layouts.md) |
| a line table, a string layout | a kind in `cpython/pm_layout.h`, a decoder in `pm_linetable.c`, `pm_pystring.c` |
| a C function to pass over | `cpython/pm_layers.c` and [allocator-layers.md](allocator-layers.md); a test keeps both equal |
| a figure for each stack | `heap/pm_sites.h`, then `report/` |
| a kind of histogram | `enum pm_group` in `heap/pm_aggregate.h` (sums by frame, which most kinds are made of, are in `heap/pm_frame_sums.h`), a row in `report/pm_text_histogram.c`, a word in `tool/pm_options.c` |
| an output format | a writer in `report/` that takes `struct pm_profile`; JSON-like ones through `pm_emitter` |
| an option | `tool/pm_options.[ch]`, the usage text there, [manual.md](manual.md) |
| something to say about a run | `struct pm_profile` (or `pm_troubles`), both writers, [report.md](report.md), [file-format.md](file-format.md) |
| an entry point of malloc | nothing: the core's replacements lead to one of the callbacks in `tool/allocator/pm_allocator.c` |

## State

All state of a run is in `struct pm_run` (`tool/pm_run.h`), one object in `pm_main.c`; its
parts are passed down. The core passes no context to its callbacks, so `pm_main.c`,
`pm_allocator.c`, `pm_process.c` and `pm_probe.c` keep a pointer to it at file scope
(`pm_probe.c` also the text ranges of interpreters; `pm_shortcut.c` that of our preloaded object). `pm_lines.c` and `pm_core_lines.c`, which the core calls while it
loads objects and prints, keep their own. `preload/` has the slots, and two
flags. Shared code has none.

Ids are small structs (`pm_string_id`, `pm_frame_id`, `pm_stack_id`, `pm_site_id`), so that one kind is
not taken for another. What is interned is never dropped, and has the same number for the
whole run. A live block of up to 8,192 bytes has a record of 26 bytes beside its memory
(`heap/pm_slabs.h`, [slabs.md](decisions/slabs.md)); a larger one takes 24 bytes in a table that
grows by a half when it is 7/8 full, so less than 42 (`tests/bench/memory`, column "table": 28 to 41).

The exact peak costs a compare for each event: see the head of `heap/pm_sites.h`.

## Threads

Valgrind runs one thread of the program at a time. The tool therefore has no locks: nothing
else runs while a callback does. Inside the program a switch is possible between any two
instructions, so `preload/` takes a slot by compare-and-swap.

A *slot* (`preload/pm_requests.h`) belongs to one thread that has evaluated Python code. It
holds the *anchor*, the first argument of the evaluation function that runs (the thread
state from 3.9 on, the frame before), or 0. The wrapper stores it on entry and puts the
outer one back on return. The tool learns a slot's address by one client request for each
thread, and reads it at each allocation. When the thread ends, or is gone after a fork, the
tool marks the slot free.

## The interpreter

`pm_introduce` in `preload/` tells the tool where version text and types are (`struct
pm_hello`), at the first of: a function that starts an interpreter, the question for `PYTHONMALLOC`, the first
frame. `pm_python_meet` chooses the layout row. At the first allocation inside a frame
`pm_interpreter_check` tries it on the real frames. What fails is refused with one message,
and native profiling goes on.

`pm_walk_again` then reads the chain of frames at each allocation, as far as
`--python-frames=` goes and a bit beyond, or as far as it changed since the last one
([only-what-changed.md](decisions/only-what-changed.md)). It reads no names: a frame is a code object and a position. It says
also which frame was the *entry* of its C call of the evaluation function, so that
`pm_splice` can put the frames at the right place of the native stack
([wrapper-frames.md](decisions/wrapper-frames.md)).

## Caches, and when they are dropped

| what | where | key | dropped or checked |
|---|---|---|---|
| pages that can be read | `base/pm_reader.c` | page | all, when the program unmaps or protects memory or lowers its break, and after every 256 frees to the core's allocator |
| whole stacks (*snapshots*) | `tool/capture/pm_snapshot.c` | registers, slot, hint at the Python frames | the words they depend on, at each use; all, by a higher generation; one, when its code objects died |
| where a native frame's caller is | `dwarf/pm_unwind_rules.c` | instruction | by another in its place; all, when objects are loaded or unloaded |
| limits of the native stack | `tool/capture/pm_unwind.c` | stack pointer | when it is outside of them; when the reader forgets its pages |
| names of native addresses | `tool/capture/pm_native.c` | address | all, when objects are loaded or unloaded |
| lines that the core asked for | `tool/core/pm_core_lines.c` | address | all, when the core asks for another epoch |
| native half | `tool/capture/pm_unwind.c` (`meanings`) | a hash of the native addresses | all, when objects are loaded or unloaded |
| what the last walk relied on | `cpython/pm_rewalk.c` | state before a frame | the words, at each use; all, when the reader forgets its pages |
| last stack's Python frames | `tool/capture/pm_capture.c` | what the walk says is the same; code, position and tag | replaced by each stack without a snapshot |
| joined stacks, their sites | `heap/pm_pairs.c` | both halves' numbers | never |
| code object's names and line table | `tool/capture/pm_python.c` (`open`) | address, the code's tag | when it refers to other objects; by another in its place |
| raw frame -> frame | `tool/capture/pm_python.c` (`recent`) | code address, position, the code's tag | by another in its place |
| stack pushed last | `heap/pm_stacks.c` | frames, outermost first | replaced by each stack that was not joined before |

Objects loaded or unloaded show as a new *epoch* of the core's debug information.

A block that holds a code object has `is_code` set when the object is first met; freeing
such a block is what `leave` in `pm_allocator.c` looks for. Code objects in no block are either
in a mapped file (frozen modules; they live as long as it) or in an arena of CPython's own
allocator (`--pymalloc=yes`). The last kind is read anew each time, and stacks with it are not
remembered.

**What remains.** When all blocks of a part of the program's heap were freed, the core
unmaps it and tells no tool. The reader could then take a page for readable that is gone;
hence the renewal after every 256 frees of large blocks (slabs stay mapped). Between two renewals such a page is only reached
through a pointer to freed memory, which a chain of frames does not hold unless it is
damaged.

The native stack of a snapshot can in a rare case be an older one: [snapshots.md](decisions/snapshots.md).

## The two files

`pymemcheck-amd64-linux` is the tool: a static executable at a fixed address with Valgrind's
core linked in, without a C library. `vgpreload_pymemcheck-amd64-linux.so` is preloaded into
the program: `preload/` and Valgrind's replacements of malloc.
[out-of-tree.md](decisions/out-of-tree.md) says why and how they are built outside
Valgrind's tree.

## Tests

    make check                                    all
    tests/check-layers                            the rules above (see its head for PM_OBJECTS)
    tests/unit/test_<noun>                        one unit test, in the build folder, after make check
    PM_PYTEST_PYTHON=/usr/bin/python3 SRC/tests/run-pytest -k fork
                                                  whole runs whose name has "fork", from the build folder
    make fuzz                                     libFuzzer, see fuzzing.md
    make matrix                                   the tests of attribution on every interpreter and Valgrind
    PM_LEAKS_WIDE=1 ... SRC/tests/run-pytest -k leaks
                                                  the corpus of tests/leaks/python on every interpreter
    make bench                                    time, next to none, Memcheck, Massif and DHAT
    PM_BUILD_DIR=. SRC/tests/bench/memory         bytes for each live block

[testing.md](testing.md) says what runs on which interpreter. `tests/unit` runs the hosted library
under sanitizers. `tests/regress` runs the tool on
`tests/programs` and asserts on the JSON file where it can. `tests/oracle` compares with
what we did not write: Memcheck's HEAP SUMMARY, tracemalloc's lines, `co_lines()`,
`sys._getframe()`, and CPython's headers. `tests/fuzz` gives damaged captures of real
interpreters to what reads them ([fuzzing.md](fuzzing.md)).

## Decisions

| page | what |
|---|---|
| [wrapper-frames.md](decisions/wrapper-frames.md) | our wrapper's own frames mark where Python frames belong |
| [suppressions.md](decisions/suppressions.md) | the core reads suppression files, and we read the entries |
| [thread-slots.md](decisions/thread-slots.md) | slots in a table, not in thread-local storage |
| [objects-to-malloc.md](decisions/objects-to-malloc.md) | how small objects are made visible |
| [unwind-rules.md](decisions/unwind-rules.md) | how to unwind is learned from the core, instruction by instruction |
| [snapshots.md](decisions/snapshots.md) | a stack is looked up by the words it depends on |
| [pairs.md](decisions/pairs.md) | a stack is looked up by its native and its Python half |
| [only-what-changed.md](decisions/only-what-changed.md) | of a stack, only what changed since the last one is looked at |
| [shortcut.md](decisions/shortcut.md) | malloc reaches the tool without the scheduler |
| [slabs.md](decisions/slabs.md) | small blocks have an allocator and records of our own |
| [reused-objects.md](decisions/reused-objects.md) | objects from free lists are seen by a store of 1 |
| [requested-sizes.md](decisions/requested-sizes.md) | padding of debug hooks from the names on the stack |
| [counting.md](decisions/counting.md) | totals as Memcheck counts them |
| [core-defaults.md](decisions/core-defaults.md) | four defaults of the core are changed, passes of its translation left out, names compared faster |
| [report-before-exec.md](decisions/report-before-exec.md) | exec is seen as a system call |
| [unwinding.md](decisions/unwinding.md) | the core unwinds |
| [bars.md](decisions/bars.md) | how long a bar is |
| [leak-search.md](decisions/leak-search.md) | what is a pointer to a Python object, and the audit of counts |
| [lines.md](decisions/lines.md) | source lines of native code are read when they are wanted |
| [json-columns.md](decisions/json-columns.md) | stacks and sites are columns |
| [out-of-tree.md](decisions/out-of-tree.md) | built against an installed Valgrind, 3.19 and later |
