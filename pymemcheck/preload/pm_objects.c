/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Switches CPython's small-object allocator to malloc, so that every object is a block of its own.
   Nothing is added to the environment: we answer CPython's getenv of PYTHONMALLOC. For
   interpreters told to ignore the environment (-E, -I, an isolated configuration) we call the
   public PyMem_SetAllocator before the interpreter is first started, whichever function starts it.
   Where that does not last (2.7 to 3.7) its arenas are refused. */
#include <valgrind/valgrind.h>

#include "base/pm_platform.h"
#include "base/pm_types.h"
#include "preload/pm_arenas.h"
#include "preload/pm_hello.h"
#include "preload/pm_requests.h"
#include "preload/pm_symbols.h"

/* CPython's public allocator interface (Include/cpython/pymem.h, 3.4 to 3.15). */
struct allocator {
    void *context;
    void *(*malloc)(void *context, size_t bytes);
    void *(*calloc)(void *context, size_t count, size_t bytes);
    void *(*realloc)(void *context, void *block, size_t bytes);
    void (*free)(void *context, void *block);
};
enum domain { DOMAIN_RAW, DOMAIN_MEM, DOMAIN_OBJ };

extern void *malloc(size_t bytes);
extern void *calloc(size_t count, size_t bytes);
extern void *realloc(void *block, size_t bytes);
extern void free(void *block);

static bool objects_to_malloc(void)
{
    return pm_symbols._Py_MergeZeroLocalRefcount == 0
        && VALGRIND_DO_CLIENT_REQUEST_EXPR(0, PM_REQUEST_SHOW_OBJECTS, 0, 0, 0, 0, 0) == 1;
}

/* Set by the wrapper of Py_BytesMain when the command line asks for development mode, which needs the
   debug hooks. */
static bool development_mode;

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

/* What the interpreter's command line asks for. */
struct asked {
    bool development_mode;      /* -X dev */
    bool no_environment;        /* -E or -I */
};

/* Several letters can follow one dash (-IX dev). The first one that takes an argument gets the rest of
   the word, or else the next word (Python/getopt.c, 2.7 to 3.15). */
static struct asked read_command_line(int argc, char **argv)
{
    struct asked asked = { false, false };

    for (int i = 1; i < argc && argv[i][0] == '-' && argv[i][1] != '-' && argv[i][1] != '\0'; i++) {
        const char *letter = argv[i] + 1;
        while (*letter != '\0' && *letter != 'c' && *letter != 'm' && *letter != 'W'
                && *letter != 'X' && *letter != 'Q') {
            asked.no_environment |= *letter == 'E' || *letter == 'I';
            letter++;
        }
        if (*letter == 'c' || *letter == 'm')
            break;
        if (*letter == '\0')
            continue;
        const char *argument = letter[1] != '\0' ? letter + 1 : ++i < argc ? argv[i] : "";
        asked.development_mode |= *letter == 'X' && pm_text_equal(argument, "dev");
    }
    return asked;
}

static void send_objects_to_malloc(void)
{
    struct allocator plain = {
        0, pm_object_malloc, pm_object_calloc, pm_object_realloc, pm_object_free,
    };

    void (*set)(enum domain, struct allocator *)
        = (void (*)(enum domain, struct allocator *))pm_symbols.PyMem_SetAllocator;
    void (*add_hooks)(void) = (void (*)(void))pm_symbols.PyMem_SetupDebugHooks;

    set(DOMAIN_MEM, &plain);
    set(DOMAIN_OBJ, &plain);
    if ((pm_symbols._Py_NegativeRefcount != 0 || development_mode) && add_hooks != 0)
        add_hooks();
}

/* The program chose allocators of its own before it started the interpreter. */
static bool program_chose, choosing;

#define WRAP_CHOICE(soname)                                                \
    void I_WRAP_SONAME_FNNAME_ZU(soname, PyMem_SetAllocator)(u64 domain, void *allocator); \
    void I_WRAP_SONAME_FNNAME_ZU(soname, PyMem_SetAllocator)(u64 domain, void *allocator)  \
    {                                                                      \
        OrigFn original;                                                   \
        VALGRIND_GET_ORIG_FN(original);                                    \
        if (!choosing && domain != DOMAIN_RAW)                             \
            program_chose = true;                                          \
        CALL_FN_v_WW(original, domain, allocator);                         \
    }

WRAP_CHOICE(NONE)
WRAP_CHOICE(libpythonZa)

/* Does its work once, and never after the interpreter owns objects: another allocator than theirs would
   free them. */
static void before_start(u64 function)
{
    static bool started;

    if (started)
        return;
    pm_find_symbols(function);
    if (pm_symbols.Py_GetVersion == 0)
        return;
    started = true;
    pm_introduce(false);
    if (pm_symbols.Py_IsInitialized == 0 || ((int (*)(void))pm_symbols.Py_IsInitialized)())
        return;
    if (program_chose || !objects_to_malloc())
        return;
    pm_refuse_arenas();     /* first: it looks at the interpreter's own allocator */
    choosing = true;
    if (pm_symbols.PyMem_SetAllocator != 0)
        send_objects_to_malloc();
    choosing = false;
}

/* Programs/python.c of 3.6 starts with malloc, and chooses again when the options are known; NULL means
   no choice. From 3.8 on the argument is a number, and there is nothing to do. */
#define WRAP_SETUP(soname)                                                 \
    int I_WRAP_SONAME_FNNAME_ZU(soname, _PyMem_SetupAllocators)(const char *choice); \
    int I_WRAP_SONAME_FNNAME_ZU(soname, _PyMem_SetupAllocators)(const char *choice)  \
    {                                                                      \
        OrigFn original;                                                   \
        int status;                                                        \
        VALGRIND_GET_ORIG_FN(original);                                    \
        pm_find_symbols(original.nraddr);                                  \
        if (pm_symbols.Py_GetVersion != 0 && pm_symbols.Py_BytesMain == 0  \
                && (choice == 0 || choice[0] == '\0') && objects_to_malloc()) \
            choice = pm_symbols._Py_NegativeRefcount != 0 ? "malloc_debug" : "malloc"; \
        choosing = true;                                                   \
        CALL_FN_W_W(status, original, choice);                             \
        choosing = false;                                                  \
        return status;                                                     \
    }

WRAP_SETUP(NONE)
WRAP_SETUP(libpythonZa)

/* CPython asks for PYTHONMALLOC once, while it starts (Python/preconfig.c,
   preconfig_init_allocator). A value that the user set is left alone. If link-time optimisation
   inlined Py_Main into main (Debian's python2.7), the first variable that 2.7 asks for is also the
   first that we see of it. */
char *I_WRAP_SONAME_FNNAME_ZU(libcZdsoZa, getenv)(const char *name);
char *I_WRAP_SONAME_FNNAME_ZU(libcZdsoZa, getenv)(const char *name)
{
    OrigFn original;
    char *value, *development;

    VALGRIND_GET_ORIG_FN(original);
    CALL_FN_W_W(value, original, name);
    if (name[0] != 'P' || name[1] != 'Y')
        return value;
    pm_find_symbols(0);
    if (pm_symbols.Py_BytesMain == 0)
        before_start(0);
    if (!pm_text_equal(name, "PYTHONMALLOC"))
        return value;
    pm_introduce(false);
    if (value != 0 && value[0] != '\0')
        pm_allow_arenas();
    if (value != 0 || program_chose || !objects_to_malloc())
        return value;
    CALL_FN_W_W(development, original, "PYTHONDEVMODE");
    bool hooks = pm_symbols._Py_NegativeRefcount != 0 || development_mode
        || (development != 0 && development[0] != '\0');
    return hooks ? "malloc_debug" : "malloc";
}

/* The functions that start an interpreter take at most three words, including the address of a returned
   PyStatus. */
#define WRAP_START(soname, name)                                           \
    void *I_WRAP_SONAME_FNNAME_ZU(soname, name)(void *first, void *second, void *third); \
    void *I_WRAP_SONAME_FNNAME_ZU(soname, name)(void *first, void *second, void *third)  \
    {                                                                      \
        OrigFn original;                                                   \
        void *result;                                                      \
        VALGRIND_GET_ORIG_FN(original);                                    \
        before_start(original.nraddr);                                     \
        CALL_FN_W_WWW(result, original, first, second, third);             \
        return result;                                                     \
    }

#define WRAP_STARTS(soname)                                                \
    WRAP_START(soname, Py_Main)                                            \
    WRAP_START(soname, _Py_UnixMain)            /* 3.7's main calls it */  \
    WRAP_START(soname, Py_Initialize)                                      \
    WRAP_START(soname, Py_InitializeEx)                                    \
    WRAP_START(soname, Py_InitializeFromConfig)                            \
    WRAP_START(soname, Py_InitializeFromInitConfig)                        \
    WRAP_START(soname, Py_PreInitialize)                                   \
    WRAP_START(soname, Py_PreInitializeFromArgs)                           \
    WRAP_START(soname, Py_PreInitializeFromBytesArgs)

WRAP_STARTS(NONE)
WRAP_STARTS(libpythonZa)

#define WRAP_MAIN(soname)                                                  \
    int I_WRAP_SONAME_FNNAME_ZU(soname, Py_BytesMain)(int argc, char **argv); \
    int I_WRAP_SONAME_FNNAME_ZU(soname, Py_BytesMain)(int argc, char **argv)  \
    {                                                                      \
        OrigFn original;                                                   \
        int status;                                                        \
        VALGRIND_GET_ORIG_FN(original);                                    \
        struct asked asked = read_command_line(argc, argv);                \
        development_mode = asked.development_mode;                         \
        before_start(original.nraddr);                                     \
        if (development_mode && asked.no_environment && objects_to_malloc()) \
            VALGRIND_DO_CLIENT_REQUEST_STMT(PM_REQUEST_MAY_HIDE_OBJECTS, 0, 0, 0, 0, 0); \
        CALL_FN_W_WW(status, original, argc, argv);                        \
        return status;                                                     \
    }

WRAP_MAIN(NONE)
WRAP_MAIN(libpythonZa)
