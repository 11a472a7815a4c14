/* SPDX-License-Identifier: GPL-2.0-or-later */
/* embedded MODE [LIBRARY] SCRIPT: runs a Python script in an embedded interpreter.

   Compiled with LINKED, it is linked with libpython and takes no LIBRARY. Modes: plain
   (Py_Initialize), isolated (a PyConfig that ignores the environment), own (the program sets
   CPython's allocators itself before the start), thrice (three interpreters, one after the other, each of which
   runs the script), forked (after Py_Finalize the program forks; the child leaks 4004 bytes). Otherwise it loads LIBRARY by dlopen, with
   RTLD_LOCAL if MODE is local, else with RTLD_GLOBAL. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef LINKED
#include <Python.h>

#if PY_VERSION_HEX >= 0x03080000
static void start_isolated(void)
{
    PyConfig config;

    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    config.install_signal_handlers = 0;
    if (PyStatus_Exception(Py_InitializeFromConfig(&config)))
        exit(3);
    PyConfig_Clear(&config);
}
#else
static void start_isolated(void)
{
    Py_IgnoreEnvironmentFlag = Py_NoSiteFlag = 1;
    Py_Initialize();
}
#endif

#if PY_VERSION_HEX >= 0x03050000
static size_t own_calls;

static void *own_malloc(void *context, size_t bytes)
{
    (void)context;
    own_calls++;
    return malloc(bytes ? bytes : 1);
}

static void *own_calloc(void *context, size_t count, size_t bytes)
{
    (void)context;
    return count && bytes ? calloc(count, bytes) : calloc(1, 1);
}

static void *own_realloc(void *context, void *block, size_t bytes)
{
    (void)context;
    return realloc(block, bytes ? bytes : 1);
}

static void own_free(void *context, void *block)
{
    (void)context;
    free(block);
}

static void choose_own(void)
{
    PyMemAllocatorEx own = { NULL, own_malloc, own_calloc, own_realloc, own_free };

    PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &own);
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &own);
}
#else
static size_t own_calls;
static void choose_own(void)
{
}
#endif

static int run_again(FILE *script, const char *path)
{
    Py_Initialize();
    rewind(script);
    int failed = PyRun_SimpleFile(script, path);
    Py_Finalize();
    return failed;
}

static void *volatile dropped;

static void leak_in_child(void)
{
    if (fork() == 0) {
        dropped = malloc(4004);
        dropped = NULL;
        _exit(0);
    }
    wait(NULL);
}

int main(int argc, char **argv)
{
    FILE *script = argc == 3 ? fopen(argv[2], "r") : NULL;
    int failed;

    if (script == NULL)
        return 2;
    if (strcmp(argv[1], "own") == 0)
        choose_own();
    if (strcmp(argv[1], "isolated") == 0) {
        start_isolated();
    } else {
        Py_NoSiteFlag = 1;
        Py_Initialize();
    }
    failed = PyRun_SimpleFile(script, argv[2]);
    Py_Finalize();
    for (int life = 2; life <= 3 && strcmp(argv[1], "thrice") == 0; life++)
        failed |= run_again(script, argv[2]);
    if (strcmp(argv[1], "forked") == 0)
        leak_in_child();
    if (strcmp(argv[1], "own") == 0)
        printf("own %s\n", own_calls > 1000 ? "used" : "unused");
    return failed != 0;
}
#else
int main(int argc, char **argv)
{
    int flags = argc == 4 && strcmp(argv[1], "local") == 0 ? RTLD_LOCAL : RTLD_GLOBAL;
    void *library = argc == 4 ? dlopen(argv[2], RTLD_NOW | flags) : NULL;
    FILE *script = argc == 4 ? fopen(argv[3], "r") : NULL;
    void (*initialize)(void), (*finalize)(void);
    int (*run)(FILE *, const char *, int, void *), *no_site, failed;

    if (library == NULL || script == NULL) {
        fprintf(stderr, "%s\n", library == NULL ? dlerror() : "no script");
        return 2;
    }
    *(void **)&initialize = dlsym(library, "Py_Initialize");
    *(void **)&finalize = dlsym(library, "Py_Finalize");
    *(void **)&run = dlsym(library, "PyRun_SimpleFileExFlags");
    no_site = dlsym(library, "Py_NoSiteFlag");
    if (no_site != NULL)
        *no_site = 1;
    initialize();
    failed = run(script, argv[3], 0, NULL);
    finalize();
    return failed != 0;
}
#endif
