/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bounded reader on made-up pages: what may be read and what not, which pages
   are asked for again, and the ends of pages, of strings and of the address space. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_reader.h"
#include "pm_random.h"

enum { PAGE = 1 << PM_READER_PAGE_BITS, MOST_PAGES = 64 };

/* A client of few pages. */
struct client {
    struct pm_reader reader;
    struct {
        u64 address;
        bool readable;
        u8 bytes[PAGE];
    } pages[MOST_PAGES];
    size_t count;
    u64 asked;          /* calls of map_page */
};

static size_t page_index(const struct client *client, u64 address)
{
    size_t i = 0;
    while (i < client->count && client->pages[i].address != (address & -(u64)PAGE))
        i++;
    return i;
}

static const u8 *map_page(void *context, u64 address)
{
    struct client *client = context;
    size_t i = page_index(client, address);

    assert_int_equal(address % PAGE, 0);
    client->asked++;
    return i < client->count && client->pages[i].readable ? client->pages[i].bytes : NULL;
}

static struct client *new_client(void)
{
    struct client *client = calloc(1, sizeof *client);
    pm_reader_init(&client->reader, map_page, client);
    return client;
}

/* Each byte of a page differs from its neighbours and from those of other pages. */
static u8 *add_page(struct client *client, u64 address)
{
    u8 *bytes = client->pages[client->count].bytes;

    assert_true(client->count < MOST_PAGES);
    client->pages[client->count].address = address;
    client->pages[client->count].readable = true;
    for (size_t i = 0; i < PAGE; i++)
        bytes[i] = (u8)(i * 7 + i / 256 + client->count * 31);
    client->count++;
    return bytes;
}

/* Byte by byte from the pages, without a cache. */
static bool slow_read(const struct client *client, u64 address, u8 *to, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        u64 at = address + i;
        size_t page = page_index(client, at);
        if (at < address || page == client->count || !client->pages[page].readable)
            return false;
        to[i] = client->pages[page].bytes[at % PAGE];
    }
    return true;
}

static void check_read(struct client *client, u64 address, size_t bytes)
{
    /* Of the exact size, so that a byte too many is seen. */
    u8 *expected = malloc(bytes + 1), *found = malloc(bytes);
    u64 failures = client->reader.failures;
    bool readable = slow_read(client, address, expected, bytes);

    assert_int_equal(pm_reader_read(&client->reader, address, found, bytes), readable);
    if (readable)
        assert_memory_equal(found, expected, bytes);
    assert_int_equal(client->reader.failures, failures + !readable);
    free(found);
    free(expected);
}

static void test_random_reads(void **state)
{
    static const u64 neighbourhoods[] = {
        0x10000, 0x7f0000000000,
        0x10000 + (u64)PM_READER_CACHE_PAGES * PAGE,        /* share cells with the first */
        0 - (u64)8 * PAGE,                                  /* up to the end of all */
    };
    struct pm_random random = pm_random_start();
    struct client *client = new_client();

    (void)state;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(neighbourhoods); i++)
        for (u64 page = 0; page < 8; page++)
            add_page(client, neighbourhoods[i] + page * PAGE);
    for (int step = 0; step < 200000; step++) {
        u64 start = neighbourhoods[pm_random_below(&random, PM_ARRAY_LENGTH(neighbourhoods))];
        u64 address = start + pm_random_below(&random, 8 * PAGE);
        size_t bytes = pm_random_below(&random, step % 8 ? 24 : 3 * PAGE);
        if (step % 4 == 0)
            address = (address & -(u64)PAGE) - pm_random_below(&random, 16);
        check_read(client, address, bytes);
        if (step % 100 == 0) {
            size_t page = pm_random_below(&random, client->count);
            client->pages[page].readable = !client->pages[page].readable;
            if (!client->pages[page].readable && pm_random_below(&random, 4) == 0)
                pm_reader_forget(&client->reader);
            else if (!client->pages[page].readable)
                pm_reader_forget_range(&client->reader, client->pages[page].address + pm_random_below(&random, PAGE),
                                       1);
        }
    }
    free(client);
}

/* Only pages that have a byte of the range are asked for again. */
static void test_forgotten_ranges(void **state)
{
    enum { PAGES = 8, START = 0x10000 };
    struct pm_random random = pm_random_start();
    struct client *client = new_client();
    u64 word;

    (void)state;
    for (u64 page = 0; page < PAGES; page++)
        add_page(client, START + page * PAGE);
    for (int round = 0; round < 1000; round++) {
        u64 start = START + pm_random_below(&random, PAGES * PAGE);
        u64 bytes = pm_random_below(&random, START + PAGES * PAGE - start + 1);
        u64 pages = bytes == 0 ? 0 : (start + bytes - 1) / PAGE - start / PAGE + 1;
        u64 since = client->reader.generation;
        for (u64 page = 0; page < PAGES; page++)
            assert_true(pm_reader_read_u64(&client->reader, START + page * PAGE, &word));
        u64 asked = client->asked;
        pm_reader_forget_range(&client->reader, start, bytes);
        for (u64 page = 0; page < PAGES; page++) {
            u64 address = START + page * PAGE;
            assert_int_equal(pm_reader_kept(&client->reader, since, address, address + PAGE - 1),
                             pages == 0 || page < (start - START) / PAGE
                                 || page >= (start - START) / PAGE + pages);
            assert_true(pm_reader_read_u64(&client->reader, address, &word));
        }
        assert_int_equal(client->asked, asked + pages);
        assert_int_equal(client->reader.generation, since + (pages != 0));
    }
    /* Of two ranges only the last one is known. */
    u64 since = client->reader.generation;
    pm_reader_forget_range(&client->reader, START, 1);
    pm_reader_forget_range(&client->reader, START, 1);
    assert_false(pm_reader_kept(&client->reader, since, START + PAGE, START + 2 * PAGE - 1));
    assert_true(pm_reader_kept(&client->reader, since + 1, START + PAGE, START + 2 * PAGE - 1));
    free(client);
}

/* A range that has more pages than the cache, or that would wrap round, forgets as much as it must. */
static void test_forgotten_ends(void **state)
{
    struct client *client = new_client();
    const u64 whole = (u64)PM_READER_CACHE_PAGES * PAGE;
    u64 word, asked;

    (void)state;
    add_page(client, 0x7f0000000000);
    add_page(client, 0 - (u64)PAGE);
    for (u64 address = 0x7f0000000000;; address = 0 - (u64)PAGE) {
        for (u64 before = 0; before <= whole + PAGE; before += whole / 2) {
            assert_true(pm_reader_read_u64(&client->reader, address, &word));
            asked = client->asked;
            pm_reader_forget_range(&client->reader, address - before, before + 1);
            assert_true(pm_reader_read_u64(&client->reader, address, &word));
            assert_int_equal(client->asked, asked + 1);
        }
        if (address != 0x7f0000000000)
            break;
    }
    asked = client->asked;
    pm_reader_forget_range(&client->reader, 0 - (u64)16, ~0ull);
    assert_true(pm_reader_read_u64(&client->reader, 0 - (u64)PAGE, &word));
    assert_int_equal(client->asked, asked + 1);
    free(client);
}

static void test_pages_are_asked_once(void **state)
{
    struct client *client = new_client();
    u64 word;

    (void)state;
    add_page(client, 0x10000);
    add_page(client, 0x11000);
    for (u64 offset = 0; offset + 8 <= PAGE; offset += 8)
        assert_true(pm_reader_read_u64(&client->reader, 0x10000 + offset, &word));
    assert_int_equal(client->asked, 1);
    assert_true(pm_reader_read_u64(&client->reader, 0x10ffc, &word));
    assert_int_equal(client->asked, 2);
    pm_reader_forget(&client->reader);
    assert_true(pm_reader_read_u64(&client->reader, 0x10000, &word));
    assert_int_equal(client->asked, 3);
    free(client);
}

/* That a page cannot be read is not remembered: it may be mapped at any time. */
static void test_page_that_comes_later(void **state)
{
    struct client *client = new_client();
    u32 word;

    (void)state;
    add_page(client, 0x10000);
    assert_false(pm_reader_read_u32(&client->reader, 0x11000, &word));
    assert_false(pm_reader_read_u32(&client->reader, 0x10ffe, &word));
    assert_int_equal(client->reader.failures, 2);
    add_page(client, 0x11000);
    assert_true(pm_reader_read_u32(&client->reader, 0x11000, &word));
    assert_true(pm_reader_read_u32(&client->reader, 0x10ffe, &word));
    client->pages[1].readable = false;
    pm_reader_forget(&client->reader);
    assert_false(pm_reader_read_u32(&client->reader, 0x11000, &word));
    assert_true(pm_reader_read_u32(&client->reader, 0x10ffc, &word));
    assert_int_equal(client->reader.failures, 3);
    free(client);
}

/* The answer is the same whether the last page was read before or not, and no read
   goes on at address 0. */
static void test_end_of_the_address_space(void **state)
{
    struct client *client = new_client();
    char text[16];
    u8 byte;

    (void)state;
    u8 *last = add_page(client, 0 - (u64)PAGE), *first = add_page(client, 0);
    for (int seen = 0; seen < 2; seen++) {
        check_read(client, 0 - (u64)8, 8);
        check_read(client, 0 - (u64)1, 1);
        check_read(client, 0 - (u64)8, 9);
        check_read(client, 0 - (u64)8, 16);
        check_read(client, 0 - (u64)PAGE, PAGE);
        check_read(client, 0 - (u64)PAGE, PAGE + 1);
        check_read(client, 0, 8);
    }
    assert_true(pm_reader_read(&client->reader, 0 - (u64)1, &byte, 0));
    memcpy(last + PAGE - 4, "abcd", 4);
    u64 failures = client->reader.failures;
    assert_false(pm_reader_read_text(&client->reader, 0 - (u64)4, text, sizeof text));
    assert_string_equal(text, "abcd");
    assert_int_equal(client->reader.failures, failures + 1);
    memcpy(first, "zero", 5);
    assert_true(pm_reader_read_text(&client->reader, 0, text, sizeof text));
    assert_string_equal(text, "zero");
    memcpy(last + PAGE - 4, "abc", 4);
    assert_true(pm_reader_read_text(&client->reader, 0 - (u64)4, text, sizeof text));
    assert_string_equal(text, "abc");
    free(client);
}

static void test_texts(void **state)
{
    struct client *client = new_client();
    char text[8];

    (void)state;
    u8 *first = add_page(client, 0x10000), *second = add_page(client, 0x11000);
    memcpy(first + 100, "seven..", 8);
    assert_true(pm_reader_read_text(&client->reader, 0x10000 + 100, text, sizeof text));
    assert_string_equal(text, "seven..");
    memcpy(first + 100, "eight...and more", 17);
    assert_true(pm_reader_read_text(&client->reader, 0x10000 + 100, text, sizeof text));
    assert_string_equal(text, "eight..");
    assert_true(pm_reader_read_text(&client->reader, 0x10000 + 100, text, 1));
    assert_string_equal(text, "");

    /* Over the end of a page, then with the rest out of reach. */
    memcpy(first + PAGE - 3, "abc", 3);
    memcpy(second, "de", 3);
    assert_true(pm_reader_read_text(&client->reader, 0x10ffd, text, sizeof text));
    assert_string_equal(text, "abcde");
    client->pages[1].readable = false;
    pm_reader_forget(&client->reader);
    assert_false(pm_reader_read_text(&client->reader, 0x10ffd, text, sizeof text));
    assert_string_equal(text, "abc");
    assert_false(pm_reader_read_text(&client->reader, 0x11000, text, sizeof text));
    assert_string_equal(text, "");
    /* The NUL is the last byte that can be read; or the text is cut before. */
    first[PAGE - 1] = '\0';
    assert_true(pm_reader_read_text(&client->reader, 0x10ffd, text, sizeof text));
    assert_string_equal(text, "ab");
    first[PAGE - 1] = 'c';
    assert_true(pm_reader_read_text(&client->reader, 0x10ffd, text, 4));
    assert_string_equal(text, "abc");
    free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_reads),
        cmocka_unit_test(test_forgotten_ranges),
        cmocka_unit_test(test_forgotten_ends),
        cmocka_unit_test(test_pages_are_asked_once),
        cmocka_unit_test(test_page_that_comes_later),
        cmocka_unit_test(test_end_of_the_address_space),
        cmocka_unit_test(test_texts),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
