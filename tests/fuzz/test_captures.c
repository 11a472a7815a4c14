/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seeds of the fuzz targets, as ordinary tests.

       test_captures                   compares the description of each seed with what its interpreter
                                       said, and gives it to its target whole, cut, and damaged
       test_captures --unpack FOLDER   writes each seed to FOLDER/<target>/, for libFuzzer

   Both need PM_SOURCE_DIR in the environment, and name the rows of the layout table that have no seeds. A file
   of seeds, seeds/<row>.<target> (seeds/<compiler>.source), has for each seed the lengths (u32) of its name, of
   the input, and of what describe() must append, then these three. PM_TEST_SEED as in pm_random.h. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "pm_fuzz.h"

enum { CUTS = 24, FLIPS = 48, STRETCHES = 48, REDIRECTIONS = 48, MIN_SEEDS = 3 };
/* Processor time for one input, some thousand times what it needs. */
enum { MAX_SECONDS = 10 };

static const struct pm_fuzz_target *const targets[] = {
    &pm_fuzz_strings, &pm_fuzz_lines, &pm_fuzz_walk, &pm_fuzz_objects, &pm_fuzz_source,
};

struct part {
    u8 *bytes;          /* followed by a NUL */
    u32 length;
};

struct seed {
    struct part name, input, expected;
};

static _Noreturn void fail(const char *path, const char *what)
{
    fprintf(stderr, "test_captures: %s: %s\n", path, what);
    exit(1);
}

static struct part read_part(FILE *file, const char *path, u32 length)
{
    struct part part = { NULL, length };

    if (length > 1 << 20)
        fail(path, "a length in it is not one: made by another make-seeds?");
    part.bytes = calloc(1, length + 1);
    if (part.bytes == NULL || fread(part.bytes, 1, length, file) != length)
        fail(path, "is cut short");
    return part;
}

static bool read_seed(FILE *file, const char *path, struct seed *seed)
{
    u32 lengths[3];
    size_t got = fread(lengths, 1, sizeof lengths, file);

    if (got == 0)
        return false;
    if (got != sizeof lengths)
        fail(path, "is cut short");
    seed->name = read_part(file, path, lengths[0]);
    seed->input = read_part(file, path, lengths[1]);
    seed->expected = read_part(file, path, lengths[2]);
    return true;
}

static void release_seed(struct seed *seed)
{
    free(seed->name.bytes);
    free(seed->input.bytes);
    free(seed->expected.bytes);
}

static bool expect_description(const struct pm_fuzz_target *target, const char *path,
                               const struct seed *seed)
{
    struct pm_buffer said;
    bool equal;

    pm_buffer_init(&said);
    target->describe(seed->input.bytes, seed->input.length, &said);
    equal = said.length == seed->expected.length
            && memcmp(said.bytes, seed->expected.bytes, said.length) == 0;
    if (!equal)
        fprintf(stderr, "%s: seed %s: said\n%s\nbut the interpreter said\n%s\n", path,
                (const char *)seed->name.bytes, said.bytes, (const char *)seed->expected.bytes);
    pm_buffer_release(&said);
    return equal;
}

static void on_timer(int signal)
{
    static const char message[] = "test_captures: an input takes too long\n";

    (void)signal;
    if (write(STDERR_FILENO, message, strlen(message)) < 0)
        _exit(3);
    _exit(1);
}

static void limit_time(int seconds)
{
    struct itimerval timer = { .it_value.tv_sec = seconds };

    signal(SIGVTALRM, on_timer);
    setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

/* Gives the target a copy of exactly that length, so that the sanitizer sees a read past the end. */
static void attempt_copy(const struct pm_fuzz_target *target, const u8 *bytes, size_t size)
{
    u8 *copy = malloc(size);

    if (size > 0)
        memcpy(copy, bytes, size);
    limit_time(MAX_SECONDS);
    target->attempt(copy, size);
    limit_time(0);
    free(copy);
}

static void flip(struct pm_random *random, u8 *bytes, size_t size)
{
    for (u64 flips = 1 + pm_random_below(random, 8); flips > 0; flips--)
        bytes[pm_random_below(random, size)] ^= (u8)(1u << pm_random_below(random, 8));
}

/* Repeats one byte, as the long numbers of a line table need. */
static void stretch(struct pm_random *random, u8 *bytes, size_t size)
{
    size_t at = pm_random_below(random, size), length = 1 + pm_random_below(random, 32);

    memset(bytes + at, (int)pm_random_below(random, 256), length < size - at ? length : size - at);
}

static void attempt_variants(const struct pm_fuzz_target *target, const struct part *input,
                             struct pm_random *random)
{
    size_t size = input->length;
    u8 *damaged = malloc(size);

    attempt_copy(target, input->bytes, size);
    for (unsigned i = 0; i < CUTS; i++)
        attempt_copy(target, input->bytes, pm_random_below(random, size));
    for (unsigned i = 0; i < FLIPS + STRETCHES; i++) {
        memcpy(damaged, input->bytes, size);
        (i < FLIPS ? flip : stretch)(random, damaged, size);
        attempt_copy(target, damaged, size);
    }
    /* Damage adds up: it is undone only at every eighth time. */
    for (unsigned i = 0; target->image && i < REDIRECTIONS; i++) {
        if (i % 8 == 0)
            memcpy(damaged, input->bytes, size);
        pm_fuzz_redirect(random, damaged, size);
        attempt_copy(target, damaged, size);
    }
    for (size_t i = 0; target->image; i++) {
        memcpy(damaged, input->bytes, size);
        if (!pm_fuzz_close_circle(damaged, size, i))
            break;
        attempt_copy(target, damaged, size);
    }
    free(damaged);
}

static void unpack(const char *folder, const struct pm_fuzz_target *target, const char *row,
                   const struct seed *seed)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, target->name);
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        fail(path, strerror(errno));
    snprintf(path, sizeof path, "%s/%s/%s-%s", folder, target->name, row,
             (const char *)seed->name.bytes);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(seed->input.bytes, 1, seed->input.length, file) != seed->input.length
            || fclose(file) != 0)
        fail(path, "cannot be written");
}

static const struct pm_fuzz_target *target_of(const char *name)
{
    for (size_t i = 0; i < PM_ARRAY_LENGTH(targets); i++) {
        size_t length = strlen(name), suffix = strlen(targets[i]->name);
        if (length > suffix && name[length - suffix - 1] == '.'
                && strcmp(name + length - suffix, targets[i]->name) == 0)
            return targets[i];
    }
    return NULL;
}

/* Returns the number of seeds in the file; 0 if the description of one differs. */
static size_t use_file(const char *path, const char *name, const char *unpack_to)
{
    const struct pm_fuzz_target *target = target_of(name);
    struct pm_random random = pm_random_start();
    FILE *file = fopen(path, "rb");
    struct seed seed;
    size_t count = 0;
    bool good = true;

    if (target == NULL)
        fail(path, "its name does not end in that of a target");
    if (file == NULL)
        fail(path, strerror(errno));
    while (read_seed(file, path, &seed)) {
        if (seed.input.length == 0)
            fail(path, "an input is empty");
        if (unpack_to != NULL) {
            unpack(unpack_to, target, name, &seed);
        } else {
            good &= expect_description(target, path, &seed);
            attempt_variants(target, &seed.input, &random);
        }
        release_seed(&seed);
        count++;
    }
    fclose(file);
    if (count < MIN_SEEDS)
        fail(path, "has too few seeds");
    return good ? count : 0;
}

/* Whether a file of walks has seeds of this layout, by the version in the first seed. */
static bool has_walks(const struct pm_layout *layout, const char *folder)
{
    char path[4096];
    bool found = false;
    struct dirent *entry;
    DIR *listing = opendir(folder);

    while (!found && listing != NULL && (entry = readdir(listing)) != NULL) {
        struct pm_fuzz_head head;
        struct seed seed;
        FILE *file;

        if (target_of(entry->d_name) != &pm_fuzz_walk)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        file = fopen(path, "rb");
        if (file == NULL)
            fail(path, strerror(errno));
        if (read_seed(file, path, &seed)) {
            if (seed.input.length >= sizeof head) {
                memcpy(&head, seed.input.bytes, sizeof head);
                found = pm_layout_find(head.version, head.build) == layout;
            }
            release_seed(&seed);
        }
        fclose(file);
    }
    if (listing != NULL)
        closedir(listing);
    return found;
}

static void report_rows_without(const char *folder)
{
    const struct pm_layout *layout;

    for (size_t i = 0; (layout = pm_layout_row(i)) != NULL; i++)
        if (!has_walks(layout, folder))
            printf("test_captures: NOT TRIED, NO SEEDS: the layout of CPython %u.%u from %08x to %08x, "
                   "build flags %u: run make-seeds\n", layout->version_first >> 24,
                   layout->version_first >> 16 & 0xff, layout->version_first,
                   layout->version_last, layout->build);
}

static int use_all(const char *unpack_to)
{
    const char *source = getenv("PM_SOURCE_DIR");
    char folder[2048], path[4096];
    size_t files = 0, seeds = 0, wrong = 0;
    struct dirent *entry;
    DIR *listing;

    if (source == NULL)
        fail("PM_SOURCE_DIR", "must name the source folder");
    snprintf(folder, sizeof folder, "%s/tests/fuzz/seeds", source);
    listing = opendir(folder);
    if (listing == NULL)
        fail(folder, strerror(errno));
    while ((entry = readdir(listing)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        size_t count = use_file(path, entry->d_name, unpack_to);
        files++;
        seeds += count;
        wrong += count == 0;
    }
    closedir(listing);
    report_rows_without(folder);
    printf("test_captures: %zu seeds in %zu files, %zu files with a difference; PM_TEST_SEED=%llu\n",
           seeds, files, wrong, (unsigned long long)pm_random_seed());
    return files == 0 || wrong > 0;
}

int main(int argc, char **argv)
{
    if (argc == 1)
        return use_all(NULL);
    if (argc == 3 && strcmp(argv[1], "--unpack") == 0)
        return use_all(argv[2]);
    fprintf(stderr, "usage: test_captures [--unpack FOLDER]\n");
    return 2;
}
