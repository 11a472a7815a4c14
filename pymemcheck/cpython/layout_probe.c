/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the numbers of one interpreter's layout, as its own headers define them, in the form
   of pm_layout_table.h. generate-layouts compiles and runs it for each interpreter; it is no part of the
   tool. Py_DEBUG and Py_TRACE_REFS may be defined for the headers of a release build. */
#define Py_BUILD_CORE 1
#include <Python.h>
#include <frameobject.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if PY_VERSION_HEX >= 0x030b0000
#include "internal/pycore_code.h"
#include "internal/pycore_frame.h"
typedef _PyInterpreterFrame frame_type;
#else
typedef PyFrameObject frame_type;
#endif
#if PY_VERSION_HEX >= 0x03090000
#include "internal/pycore_gc.h"
#endif
#if PY_VERSION_HEX >= 0x030e0000
#include "internal/pycore_stackref.h"
#endif
#if PY_VERSION_HEX >= 0x030b0000
#include "internal/pycore_interp.h"
#include "internal/pycore_runtime.h"
#endif

#include "cpython/pm_layout.h"

#ifdef Py_GIL_DISABLED
#error "free-threaded builds have no rows"
#endif

#define MEMBER_SIZE(type, member) sizeof(((type *)0)->member)

/* Stores the offset of a member, and moves the end of the part of its object that must be read. */
#define FRAME_MEMBER(name, member) \
    note(&numbers.name, &numbers.frame_bytes, offsetof(frame_type, member), \
         MEMBER_SIZE(frame_type, member))
#define CODE_MEMBER(name, member) \
    note(&numbers.name, &numbers.code_bytes, offsetof(PyCodeObject, member), \
         MEMBER_SIZE(PyCodeObject, member))

static struct pm_layout_numbers numbers;

static void note(i32 *field, i32 *end, size_t offset, size_t size)
{
    *field = (i32)offset;
    if (*end < (i32)(offset + size))
        *end = (i32)(offset + size);
}

#if PY_MAJOR_VERSION >= 3
/* Stores the lowest bit of a bit-field of a string's state. */
#define STATE_SHIFT(field) \
    do { \
        PyASCIIObject object; \
        u32 bits; \
        memset(&object, 0, sizeof object); \
        object.state.field = ~0u; \
        memcpy(&bits, &object.state, sizeof bits); \
        numbers.unicode_##field##_shift = (i32)__builtin_ctz(bits); \
    } while (0)

static void probe_strings(void)
{
    numbers.bytes_length = offsetof(PyVarObject, ob_size);
    numbers.bytes_data = offsetof(PyBytesObject, ob_sval);
    numbers.unicode_length = offsetof(PyASCIIObject, length);
    numbers.unicode_state = offsetof(PyASCIIObject, state);
    numbers.unicode_ascii_data = sizeof(PyASCIIObject);
    numbers.unicode_compact_data = sizeof(PyCompactUnicodeObject);
    numbers.unicode_legacy_data = offsetof(PyUnicodeObject, data);
    STATE_SHIFT(kind);
    STATE_SHIFT(compact);
    STATE_SHIFT(ascii);
#if PY_VERSION_HEX < 0x030c0000
    STATE_SHIFT(ready);
#endif
}
#else
static void probe_strings(void)
{
    numbers.bytes_length = offsetof(PyStringObject, ob_size);
    numbers.bytes_data = offsetof(PyStringObject, ob_sval);
}
#endif

static void probe_thread(void)
{
    numbers.thread_next = offsetof(PyThreadState, next);
    numbers.thread_interpreter = offsetof(PyThreadState, interp);
#if PY_VERSION_HEX >= 0x030c0000
    numbers.thread_exception = offsetof(PyThreadState, current_exception);
#else
    numbers.thread_exception = offsetof(PyThreadState, curexc_type);
#endif
#if PY_VERSION_HEX >= 0x030b0000
    numbers.thread_chunk = offsetof(PyThreadState, datastack_chunk);
    numbers.thread_data_top = offsetof(PyThreadState, datastack_top);
    numbers.thread_data_limit = offsetof(PyThreadState, datastack_limit);
    numbers.chunk_previous = offsetof(_PyStackChunk, previous);
    numbers.chunk_size = offsetof(_PyStackChunk, size);
    numbers.chunk_top = offsetof(_PyStackChunk, top);
    numbers.chunk_data = offsetof(_PyStackChunk, data);
    numbers.interpreter_next = offsetof(PyInterpreterState, next);
    numbers.interpreter_threads = offsetof(PyInterpreterState, threads.head);
    numbers.runtime_interpreters = offsetof(_PyRuntimeState, interpreters.head);
#endif
#if PY_VERSION_HEX >= 0x030d0000
    numbers.thread_frame = offsetof(PyThreadState, current_frame);
#elif PY_VERSION_HEX >= 0x030b0000
    numbers.thread_frame = offsetof(PyThreadState, cframe);
    numbers.cframe_frame = offsetof(_PyCFrame, current_frame);
    numbers.cframe_previous = offsetof(_PyCFrame, previous);
#else
    numbers.thread_frame = offsetof(PyThreadState, frame);
#endif
}

static void probe_frame(void)
{
#if PY_VERSION_HEX >= 0x030b0000
    FRAME_MEMBER(frame_back, previous);
    FRAME_MEMBER(frame_owner, owner);
    numbers.owner_generator = FRAME_OWNED_BY_GENERATOR;
#else
    FRAME_MEMBER(frame_back, f_back);
    FRAME_MEMBER(frame_position, f_lasti);
#endif
#if PY_VERSION_HEX >= 0x030d0000
    FRAME_MEMBER(frame_code, f_executable);
    FRAME_MEMBER(frame_position, instr_ptr);
#else
    FRAME_MEMBER(frame_code, f_code);
#if PY_VERSION_HEX >= 0x030b0000
    FRAME_MEMBER(frame_position, prev_instr);
#endif
#endif
#if PY_VERSION_HEX >= 0x030e0000
    numbers.owner_shim = FRAME_OWNED_BY_INTERPRETER;
    numbers.code_tag_bits = Py_TAG_BITS;
#elif PY_VERSION_HEX >= 0x030c0000
    numbers.owner_shim = FRAME_OWNED_BY_CSTACK;
#elif PY_VERSION_HEX >= 0x030a0000 && PY_VERSION_HEX < 0x030b0000
    FRAME_MEMBER(frame_trace, f_trace);
    FRAME_MEMBER(frame_stack_depth, f_stackdepth);
#endif
}

static void probe_code(void)
{
    CODE_MEMBER(code_first_line, co_firstlineno);
    CODE_MEMBER(code_filename, co_filename);
    CODE_MEMBER(code_name, co_name);
#if PY_VERSION_HEX >= 0x030b0000
    CODE_MEMBER(code_qualname, co_qualname);
    CODE_MEMBER(code_first_traceable, _co_firsttraceable);
    numbers.code_instructions = offsetof(PyCodeObject, co_code_adaptive);
#endif
#if PY_VERSION_HEX >= 0x030a0000
    CODE_MEMBER(code_lines, co_linetable);
#else
    CODE_MEMBER(code_lines, co_lnotab);
#endif
}

#include "layout_probe_objects.h"

/* Where _Py_DebugOffsets itself keeps the words that we read. */
#if PY_VERSION_HEX >= 0x030d0000
static void print_offsets(void)
{
    _Py_DebugOffsets table;

#define PRINT_PLACE(name, section, member, width) \
    printf("    ." #section "_" #member " = %d, \\\n", \
           (int)((char *)&table.section.member - (char *)&table));
    PM_OFFSETS_FIELDS(PRINT_PLACE)
#define PRINT_SIZE(section) \
    printf("    ." #section "_size = %d, \\\n", (int)((char *)&table.section.size - (char *)&table));
    PM_OFFSETS_SECTIONS(PRINT_SIZE)
    printf("    .table_bytes = %d, \\\n", (int)sizeof table);
    if (sizeof table > PM_OFFSETS_TABLE_BYTES)
        exit(1);
}
#else
static void print_offsets(void)
{
}
#endif

/* The numbers; with an argument those of the interpreter's table. */
int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        print_offsets();
        return 0;
    }
    memset(&numbers, 0xff, sizeof numbers);
    numbers.gc_head_bytes = sizeof(PyGC_Head);
#if PY_VERSION_HEX >= 0x03060000 && PY_VERSION_HEX < 0x03080000
    /* The larger of the two sizes that these versions have (gc_head_other_bytes). */
    numbers.gc_head_bytes = (sizeof(PyGC_Head) + 15) & ~(size_t)15;
#endif
    numbers.code_tag_bits = 0;
    numbers.object_type = offsetof(PyObject, ob_type);
    probe_strings();
    probe_thread();
    probe_frame();
    probe_code();
    probe_objects();
    /* The struct is padded to this alignment. */
    numbers.frame_bytes = (numbers.frame_bytes + 7) & ~7;

#define PRINT(name) printf("    ." #name " = %d, \\\n", numbers.name);
    PM_LAYOUT_FIELDS(PRINT)
    return numbers.frame_bytes > PM_LAYOUT_FRAME_BYTES || numbers.code_bytes > PM_LAYOUT_CODE_BYTES;
}
