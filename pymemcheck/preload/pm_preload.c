/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of us that runs inside the program, on the simulated processor.

   1. The evaluation function is wrapped: while it runs, the thread's slot
      holds its first argument, from which the tool finds the Python frames.
      The wrapper enters the tool once for each thread; after that it only
      finds the slot by the thread pointer and stores into it. (The slots are
      not thread-local storage: a library with such storage makes the C library
      allocate more for each thread, and our totals would not be Memcheck's.) It also leaves a frame of its own on the native
      stack, which marks exactly where one call of the evaluation function
      ends, whatever the compiler called its parts.
   2. CPython's small-object allocator is switched to malloc, so that every
      object is a block of its own. Nothing is put in the environment: the
      getenv that CPython makes for PYTHONMALLOC is answered, and for
      interpreters told to ignore the environment (-E, -I) the public
      PyMem_SetAllocator is called before Py_BytesMain.

   There is no libc here (-nodefaultlibs): only what is in this file, and
   CPython's functions through weak references. */
#include <valgrind/valgrind.h>

#include "base/pm_types.h"
#include "preload/pm_requests.h"

#define WEAK __attribute__((weak))

/* CPython's public allocator interface (Include/cpython/pymem.h, 3.4 to 3.15). */
struct allocator {
    void *context;
    void *(*malloc)(void *context, size_t bytes);
    void *(*calloc)(void *context, size_t count, size_t bytes);
    void *(*realloc)(void *context, void *block, size_t bytes);
    void (*free)(void *context, void *block);
};
enum domain { DOMAIN_RAW, DOMAIN_MEM, DOMAIN_OBJ };

extern void PyMem_SetAllocator(enum domain domain, struct allocator *allocator) WEAK;
extern void PyMem_SetupDebugHooks(void) WEAK;
extern const char *Py_GetVersion(void) WEAK;

/* Only their addresses are used. */
extern char PyCode_Type[] WEAK, _PyRuntime[] WEAK, _Py_tracemalloc_config[] WEAK;
/* Defined by Py_REF_DEBUG builds only (Objects/object.c). */
extern char _Py_NegativeRefcount[] WEAK;
/* Defined by Py_TRACE_REFS builds only (Objects/object.c). */
extern char _Py_AddToAllObjects[] WEAK;
/* Defined by free-threaded builds only, which have no malloc allocator (Objects/object.c). */
extern char _Py_MergeZeroLocalRefcount[] WEAK;

extern void *malloc(size_t bytes);
extern void *calloc(size_t count, size_t bytes);
extern void *realloc(void *block, size_t bytes);
extern void free(void *block);

/* An open hash table by thread pointer. Slots of threads that ended are used
   again, so it must hold the threads that live at one time; Valgrind allows
   500 unless told otherwise (--max-threads). */
enum { SLOT_BITS = 12, SLOTS = 1 << SLOT_BITS };

static struct pm_slot slots[SLOTS];

static inline u64 thread_pointer(void)
{
    u64 pointer;
    __asm__("movq %%fs:0, %0" : "=r"(pointer));
    return pointer;
}

static inline u64 home_of(u64 owner)
{
    return (owner * 0x9e3779b97f4a7c15ull) >> (64 - SLOT_BITS);
}

/* Makes the interpreter known to the tool, the first time. The tool needs its
   version before the first frame: debug hooks pad allocations from the start. */
static void introduce(void)
{
    static bool introduced;

    if (introduced)
        return;
    introduced = true;
    struct pm_hello hello = {
        .version_text = Py_GetVersion != 0 ? (u64)Py_GetVersion() : 0,
        .code_type = (u64)PyCode_Type,
        .runtime = (u64)_PyRuntime,
        .debug_marker = (u64)_Py_NegativeRefcount,
        .trace_refs_marker = (u64)_Py_AddToAllObjects,
        .tracemalloc_config = (u64)_Py_tracemalloc_config,
    };
    VALGRIND_DO_CLIENT_REQUEST_STMT(PM_REQUEST_HELLO, &hello, 0, 0, 0, 0);
}

/* Takes a slot for a thread that has none and tells the tool; NULL if all are
   taken. Another thread may be scheduled in between at any instruction. */
static __attribute__((noinline, cold)) struct pm_slot *take_slot(u64 owner)
{
    introduce();
    for (u64 i = home_of(owner), tried = 0; tried < SLOTS; i = (i + 1) % SLOTS, tried++) {
        u64 seen = slots[i].owner;
        if (seen > PM_SLOT_FREE || !__sync_bool_compare_and_swap(&slots[i].owner, seen, owner))
            continue;
        slots[i].anchor = 0;
        VALGRIND_DO_CLIENT_REQUEST_STMT(PM_REQUEST_SLOT, &slots[i], 0, 0, 0, 0);
        return &slots[i];
    }
    return 0;
}

/* The calling thread's slot, or NULL. */
static inline struct pm_slot *own_slot(void)
{
    u64 owner = thread_pointer();

    for (u64 i = home_of(owner), tried = 0; tried < SLOTS; i = (i + 1) % SLOTS, tried++) {
        if (__builtin_expect(slots[i].owner == owner, 1))
            return &slots[i];
        if (slots[i].owner == PM_SLOT_NEVER)
            break;
    }
    return take_slot(owner);
}

/* The evaluation function takes (tstate, frame, throwflag) from 3.9 on and
   (frame, throwflag) before: three words cover both. */
#define WRAP_EVALUATION(soname, name)                                                     \
    void *I_WRAP_SONAME_FNNAME_ZU(soname, name)(void *first, void *second, void *third);  \
    void *I_WRAP_SONAME_FNNAME_ZU(soname, name)(void *first, void *second, void *third)   \
    {                                                                                     \
        OrigFn original;                                                                  \
        void *result;                                                                     \
        VALGRIND_GET_ORIG_FN(original);                                                   \
        struct pm_slot *slot = own_slot(), none = { 0, 0 };                               \
        if (__builtin_expect(slot == 0, 0))                                               \
            slot = &none;                                                                 \
        u64 outer = slot->anchor;                                                         \
        slot->anchor = (u64)first;                                                        \
        CALL_FN_W_WWW(result, original, first, second, third);                            \
        slot->anchor = outer;                                                             \
        return result;                                                                    \
    }

/* NONE is an executable; libpythonZa is libpython*. */
WRAP_EVALUATION(NONE, _PyEval_EvalFrameDefault)
WRAP_EVALUATION(libpythonZa, _PyEval_EvalFrameDefault)
WRAP_EVALUATION(NONE, PyEval_EvalFrameEx)
WRAP_EVALUATION(libpythonZa, PyEval_EvalFrameEx)

static bool equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static bool objects_to_malloc(void)
{
    return _Py_MergeZeroLocalRefcount == 0
        && VALGRIND_DO_CLIENT_REQUEST_EXPR(0, PM_REQUEST_SHOW_OBJECTS, 0, 0, 0, 0, 0) == 1;
}

/* Set by the wrapper of Py_BytesMain when the command line asks for
   development mode, which wants the debug hooks kept. */
static bool development_mode;

/* CPython asks for PYTHONMALLOC once, while it starts (Python/preconfig.c,
   preconfig_init_allocator). A value that the user set is left alone. */
char *I_WRAP_SONAME_FNNAME_ZU(libcZdsoZa, getenv)(const char *name);
char *I_WRAP_SONAME_FNNAME_ZU(libcZdsoZa, getenv)(const char *name)
{
    OrigFn original;
    char *value, *development;

    VALGRIND_GET_ORIG_FN(original);
    CALL_FN_W_W(value, original, name);
    if (name[0] != 'P' || !equal(name, "PYTHONMALLOC"))
        return value;
    if (Py_GetVersion != 0)
        introduce();
    if (value != 0 || !objects_to_malloc())
        return value;
    CALL_FN_W_W(development, original, "PYTHONDEVMODE");
    bool hooks = _Py_NegativeRefcount != 0 || development_mode
        || (development != 0 && development[0] != '\0');
    return hooks ? "malloc_debug" : "malloc";
}

/* As CPython's own raw functions (Objects/obmalloc.c): never ask for 0 bytes. */
static void *pm_object_malloc(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes != 0 ? bytes : 1);
}

static void *pm_object_calloc(void *context, size_t count, size_t bytes)
{
    (void)context;
    return count != 0 && bytes != 0 ? calloc(count, bytes) : calloc(1, 1);
}

static void *pm_object_realloc(void *context, void *block, size_t bytes)
{
    (void)context;
    return realloc(block, bytes != 0 ? bytes : 1);
}

static void pm_object_free(void *context, void *block)
{
    (void)context;
    free(block);
}

static bool asks_for_development_mode(int argc, char **argv)
{
    for (int i = 1; i < argc && argv[i][0] == '-'; i++) {
        if (equal(argv[i], "-Xdev"))
            return true;
        if (equal(argv[i], "-X") && i + 1 < argc && equal(argv[i + 1], "dev"))
            return true;
        if (equal(argv[i], "-c") || equal(argv[i], "-m"))
            return false;
        if (equal(argv[i], "-X") || equal(argv[i], "-W"))
            i++;
    }
    return false;
}

static void send_objects_to_malloc(void)
{
    struct allocator plain = {
        0, pm_object_malloc, pm_object_calloc, pm_object_realloc, pm_object_free,
    };

    PyMem_SetAllocator(DOMAIN_MEM, &plain);
    PyMem_SetAllocator(DOMAIN_OBJ, &plain);
    if ((_Py_NegativeRefcount != 0 || development_mode) && PyMem_SetupDebugHooks != 0)
        PyMem_SetupDebugHooks();
}

#define WRAP_MAIN(soname)                                                  \
    int I_WRAP_SONAME_FNNAME_ZU(soname, Py_BytesMain)(int argc, char **argv); \
    int I_WRAP_SONAME_FNNAME_ZU(soname, Py_BytesMain)(int argc, char **argv)  \
    {                                                                      \
        OrigFn original;                                                   \
        int status;                                                        \
        VALGRIND_GET_ORIG_FN(original);                                    \
        introduce();                                                       \
        development_mode = asks_for_development_mode(argc, argv);          \
        if (PyMem_SetAllocator != 0 && objects_to_malloc())                \
            send_objects_to_malloc();                                      \
        CALL_FN_W_WW(status, original, argc, argv);                        \
        return status;                                                     \
    }

WRAP_MAIN(NONE)
WRAP_MAIN(libpythonZa)
