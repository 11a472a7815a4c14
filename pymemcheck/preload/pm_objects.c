/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPython's small-object allocator is switched to malloc, so that every object
   is a block of its own. Nothing is put in the environment: the getenv that
   CPython makes for PYTHONMALLOC is answered, and for interpreters told to
   ignore the environment (-E, -I) the public PyMem_SetAllocator is called before
   Py_BytesMain. */
#include <valgrind/valgrind.h>

#include "base/pm_platform.h"
#include "base/pm_types.h"
#include "preload/pm_hello.h"
#include "preload/pm_requests.h"

/* CPython's public allocator interface (Include/cpython/pymem.h, 3.4 to 3.15). */
struct allocator {
    void *context;
    void *(*malloc)(void *context, size_t bytes);
    void *(*calloc)(void *context, size_t count, size_t bytes);
    void *(*realloc)(void *context, void *block, size_t bytes);
    void (*free)(void *context, void *block);
};
enum domain { DOMAIN_RAW, DOMAIN_MEM, DOMAIN_OBJ };

extern void PyMem_SetAllocator(enum domain domain, struct allocator *allocator) PM_WEAK;
extern void PyMem_SetupDebugHooks(void) PM_WEAK;

extern void *malloc(size_t bytes);
extern void *calloc(size_t count, size_t bytes);
extern void *realloc(void *block, size_t bytes);
extern void free(void *block);

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
    if (name[0] != 'P' || !pm_text_equal(name, "PYTHONMALLOC"))
        return value;
    if (Py_GetVersion != 0)
        pm_introduce();
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
        if (pm_text_equal(argv[i], "-Xdev"))
            return true;
        if (pm_text_equal(argv[i], "-X") && i + 1 < argc && pm_text_equal(argv[i + 1], "dev"))
            return true;
        if (pm_text_equal(argv[i], "-c") || pm_text_equal(argv[i], "-m"))
            return false;
        if (pm_text_equal(argv[i], "-X") || pm_text_equal(argv[i], "-W"))
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
        pm_introduce();                                                       \
        development_mode = asks_for_development_mode(argc, argv);          \
        if (PyMem_SetAllocator != 0 && objects_to_malloc())                \
            send_objects_to_malloc();                                      \
        CALL_FN_W_WW(status, original, argc, argv);                        \
        return status;                                                     \
    }

WRAP_MAIN(NONE)
WRAP_MAIN(libpythonZa)
