// SPDX-License-Identifier: GPL-2.0-or-later
// One function for each wrong free. The arguments name the functions to call. Prints
// "done" at the end: the program must go on after a wrong free. The functions have no
// other errors, so Memcheck finds the same number.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#pragma GCC diagnostic ignored "-Wfree-nonheap-object"
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#pragma GCC diagnostic ignored "-Wuse-after-free"

namespace {

char in_data[64];

// Hides from the compiler where a pointer comes from.
template <typename T> __attribute__((noinline)) T *opaque(T *pointer)
{
    asm volatile("" : "+r"(pointer));
    return pointer;
}

char *block(size_t bytes) { return opaque(static_cast<char *>(malloc(bytes))); }
void twice() { char *p = block(24); free(p); free(opaque(p)); }
void three_times() { char *p = block(25); for (int i = 0; i < 3; i++) free(opaque(p)); }
void twice_large() { char *p = block(200000); free(p); free(opaque(p)); }
void interior() { char *p = block(40); free(opaque(p + 8)); free(p); }
void interior_of_freed() { char *p = block(48); free(p); free(opaque(p + 16)); }
void behind() { char *p = block(56); free(opaque(p + 56)); free(p); }
void before() { char *p = block(72); free(opaque(p - 8)); free(p); }
void stack() { char local[32]; memset(local, 0, sizeof local); free(opaque(&local[0])); }
void data() { free(opaque(&in_data[16])); }
void literal() { free(opaque(const_cast<char *>("text"))); }
void wild() { free(opaque(reinterpret_cast<char *>(0x12345678))); }
void code() { free(opaque(reinterpret_cast<char *>(&free))); }
void in_a_loop() { char *p = block(88); for (int i = 0; i < 5; i++) free(opaque(p + 1)); free(p); }
void realloc_wild() { if (realloc(opaque(&in_data[0]), 10)) abort(); }
void realloc_freed() { char *p = block(104); free(p); if (realloc(opaque(p), 300)) abort(); }
void realloc_interior() { char *p = block(120); if (realloc(opaque(p + 4), 10)) abort(); free(p); }
void new_free() { free(opaque(new int(1))); }
void new_array_free() { free(opaque(new int[5]())); }
void malloc_delete() { ::operator delete(block(8)); }
void malloc_delete_array() { ::operator delete[](block(9)); }
void new_delete_array() { ::operator delete[](opaque(::operator new(10))); }
void new_array_delete() { ::operator delete(opaque(::operator new[](11))); }
void new_realloc() { free(realloc(opaque(::operator new(12)), 500)); }
void delete_twice() { char *p = opaque(new char('x')); delete p; delete opaque(p); }
void calloc_delete() { ::operator delete(opaque(calloc(3, 5))); }
void nothing() { free(opaque(static_cast<char *>(nullptr))); delete opaque(static_cast<char *>(nullptr)); }
void right() { free(block(5)); delete opaque(new int); delete[] opaque(new int[3]); free(realloc(block(6), 700)); }
void aligned() { free(opaque(aligned_alloc(64, 128))); void *p; if (posix_memalign(&p, 64, 10)) abort(); free(p); }

const struct {
    const char *name;
    void (*call)();
} cases[] = {
#define CASE(name) { #name, name }
    CASE(twice), CASE(three_times), CASE(twice_large), CASE(interior), CASE(interior_of_freed),
    CASE(behind), CASE(before), CASE(stack), CASE(data), CASE(literal), CASE(wild), CASE(code),
    CASE(in_a_loop), CASE(realloc_wild), CASE(realloc_freed), CASE(realloc_interior),
    CASE(new_free), CASE(new_array_free), CASE(malloc_delete), CASE(malloc_delete_array),
    CASE(new_delete_array), CASE(new_array_delete), CASE(new_realloc), CASE(delete_twice),
    CASE(calloc_delete), CASE(nothing), CASE(right), CASE(aligned),
};

} // namespace

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        for (const auto &one : cases)
            if (strcmp(argv[i], one.name) == 0 || strcmp(argv[i], "all") == 0)
                one.call();
    if (argc == 1)
        for (const auto &one : cases)
            puts(one.name);
    else
        puts("done");
    return 0;
}
