/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every form of operator new and delete: plain and array; plain, nothrow,
   aligned and aligned nothrow; sized deletes. Some blocks stay live. */
#include <cstddef>
#include <new>

struct alignas(64) Wide {
    char bytes[192];
    ~Wide() {}      /* with a destructor, delete[] needs the count */
};

struct Plain {
    char bytes[37];
    ~Plain() {}
};

static void *volatile kept[16];

int main()
{
    const std::align_val_t line{64};
    const std::nothrow_t &nothrow = std::nothrow;
    volatile std::size_t huge = std::size_t(1) << 46;
    int mistakes = 0;

    ::operator delete(::operator new(101));
    ::operator delete(::operator new(103), std::size_t(103));
    ::operator delete(::operator new(107, nothrow), nothrow);
    ::operator delete[](::operator new[](109));
    ::operator delete[](::operator new[](113), std::size_t(113));
    ::operator delete[](::operator new[](127, nothrow), nothrow);

    ::operator delete(::operator new(131, line), line);
    ::operator delete(::operator new(137, line), std::size_t(137), line);
    ::operator delete(::operator new(139, line, nothrow), line, nothrow);
    ::operator delete[](::operator new[](149, line), line);
    ::operator delete[](::operator new[](151, line), std::size_t(151), line);
    ::operator delete[](::operator new[](157, line, nothrow), line, nothrow);

    delete new Plain;
    delete[] new Plain[5];
    delete new Wide;
    delete[] new Wide[3];
    delete static_cast<Plain *>(nullptr);

    kept[0] = ::operator new(0);
    kept[1] = ::operator new[](163);
    kept[2] = new Wide[2];
    kept[3] = ::operator new(167, nothrow);
    mistakes += ::operator new(huge, nothrow) != nullptr;
    mistakes += ::operator new[](huge, nothrow) != nullptr;
    return mistakes;
}
