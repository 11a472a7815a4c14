/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The library of in_library.c and in_closed_library.c. */
static void *held;

void hold(void *block);

void hold(void *block)
{
    held = block;
}
