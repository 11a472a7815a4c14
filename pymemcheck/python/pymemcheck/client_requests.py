# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests to the tool from the program that runs under it: pymemcheck/preload/pymemcheck.h describes them.

    requests.available()            # whether this process runs under the tool
    requests.counters().live_bytes

The tool's preloaded object exports one function, which ctypes finds in the process. Outside the tool there is no such
function, and each request here answers None (or False) and does nothing. A request that the tool refuses raises
RequestError. The program stands still during a request, and so does the interpreter's lock."""
import collections
import json

(VERSION, COUNTERS, RESET_PEAK, SNAPSHOT, PHASE_BEGIN, PHASE_END, MARK, LEAK_SEARCH, BLOCK_INFO, WHO_POINTS_AT,
 RECORDING, EVENT_LOG, WRITE_PROFILE, WATCH) = range(14)

BAD_ARGUMENT, NOT_SUPPORTED, SEARCHING, NO_BLOCK, FAILED = -1, -2, -3, -4, -5
MESSAGES = {BAD_ARGUMENT: "the tool refused an argument", NOT_SUPPORTED: "this tool cannot do that, or not now",
            SEARCHING: "a leak search is under way", NO_BLOCK: "there is no block at this address",
            FAILED: "the tool could not write the file; its log says why"}

SINCE_LAST, SILENT, REACHABLE, REPEAT, COLLECTED = 1, 2, 4, 8, 16
# In the order of enum pymemcheck_kind.
KINDS = ("definite", "cycle", "surplus", "deficit", "possible", "indirect", "interpreter", "reachable", "suppressed",
         "left_out")
FIRST_BUFFER_BYTES = 1 << 16
# How much of the dead part of the stack is overwritten before a search: more than the frames of a request take.
SCRUBBED_BYTES = 1 << 15

# Sizes in bytes. tool_bytes: what Valgrind and the tool use themselves.
Counters = collections.namedtuple("Counters", "live_bytes live_blocks peak_bytes peak_blocks total_bytes allocs frees"
                                              " tool_bytes")


class RequestError(RuntimeError):
    """The tool did not carry out a request. answer: its number, one of the names above. why: in words, if more is known than
    the number tells."""

    def __init__(self, what, answer, why=None):
        self.answer = answer
        super().__init__("%s: %s" % (what, why or MESSAGES.get(answer, "answer %d" % answer)))


class _Connection:
    """What is made once, when the first request is made: the function, and memory for answers, so that the requests that
    are made most often allocate as little as they can."""

    def __init__(self):
        self.function, self.problem = None, "the process does not run under Valgrind's tool pymemcheck"
        try:
            import ctypes
        except ImportError as error:
            self.problem = "this interpreter has no ctypes (%s)" % error
            return
        try:
            # PyDLL keeps the interpreter's lock: no other thread of Python runs between a request and what follows.
            function = ctypes.PyDLL(None).pymemcheck_request
        except (AttributeError, OSError, TypeError):
            return
        function.restype = ctypes.c_long
        function.argtypes = [ctypes.c_ulong] + 4 * [ctypes.c_void_p]
        self.ctypes, self.function, self.problem = ctypes, function, None
        if function(VERSION, 0, 0, 0, 0) <= 0:
            self.function, self.problem = None, "the process does not run under Valgrind's tool pymemcheck"
            return
        number = ctypes.c_ulonglong
        self.counters = (number * len(Counters._fields))()
        self.counters_address = ctypes.addressof(self.counters)
        self.counters_bytes = ctypes.sizeof(self.counters)

        class Search(ctypes.Structure):
            """struct pymemcheck_search."""
            _fields_ = [("size", number), ("flags", number), ("since", number), ("buffer", ctypes.c_void_p),
                        ("buffer_size", number), ("needed", number), ("records", number), ("mark", number),
                        ("kinds", number * (2 * len(KINDS)))]
        self.search = Search

        class Scrub(ctypes.Structure):
            """An argument by value, which goes onto the stack."""
            _fields_ = [("zeros", ctypes.c_char * SCRUBBED_BYTES)]
        self.scrubber = ctypes.PyDLL(None)["pymemcheck_request"]
        self.scrubber.restype = ctypes.c_long
        self.scrubber.argtypes = [ctypes.c_ulong, Scrub]
        self.zeros = Scrub()
        self.buffer = ctypes.create_string_buffer(FIRST_BUFFER_BYTES)

    def make_room(self, size):
        """A buffer of at least size bytes."""
        if len(self.buffer) < size:
            self.buffer = None
            self.buffer = self.ctypes.create_string_buffer(size + size // 4)
        return self.ctypes.addressof(self.buffer)

    def text(self):
        """What the tool wrote into the buffer, up to its NUL."""
        return self.buffer.value.decode("utf-8")


_connection = None


def _connect():
    global _connection
    if _connection is None:
        _connection = _Connection()
    return _connection


def available():
    """Whether this process runs under the tool."""
    return _connect().function is not None


def why_not():
    """Why available() is False, in words; None if it is True."""
    return _connect().problem


def request(what, number, a=0, b=0, c=0, d=0):
    """Makes a request; what: its name, for the message of RequestError. None outside the tool."""
    function = _connect().function
    if function is None:
        return None
    answer = function(number, a, b, c, d)
    if answer < 0:
        raise RequestError(what, answer)
    return answer


def version():
    """The tool's version of the requests, or None."""
    return request("version", VERSION)


def read_counters():
    """Asks for the counters without making objects of them; False outside the tool. raw_counters() has them then."""
    connection = _connect()
    if connection.function is None:
        return False
    request("counters", COUNTERS, connection.counters_address, connection.counters_bytes)
    return True


def raw_counters():
    """The figures of the last read_counters."""
    return Counters(*_connection.counters)


def counters():
    """Counters of this moment, or None."""
    return raw_counters() if read_counters() else None


def reset_peak():
    """The peak begins again with what is live now."""
    return request("reset_peak", RESET_PEAK)


def mark():
    """The number of the newest allocation of the process; later ones have higher numbers. None outside the tool."""
    return request("mark", MARK)


def _named(what, number, name):
    """A request with a name as text; it may hold no NUL."""
    connection = _connect()
    if connection.function is None:
        return None
    text = connection.ctypes.create_string_buffer(name.encode("utf-8", "surrogateescape"))
    return request(what, number, connection.ctypes.addressof(text))


def snapshot(name):
    """Keeps what is live now in the profile, under a name."""
    return _named("snapshot", SNAPSHOT, name)


def phase_begin(name):
    return _named("phase %r" % name, PHASE_BEGIN, name)


def phase_end(name):
    return _named("end of phase %r" % name, PHASE_END, name)


def recording(on):
    """Whether what this thread allocates is recorded."""
    return request("recording", RECORDING, 1 if on else 0)


def event_log(on):
    """Whether the event log goes on."""
    return request("event_log", EVENT_LOG, 1 if on else 0)


def write_profile(path):
    """Writes the profile of the run so far to a file, as at the end of the run."""
    return _named("write_profile", WRITE_PROFILE, path)


def watch(address):
    """Counts the references of the object at an address from now on."""
    try:
        return request("watch", WATCH, address)
    except RequestError as error:
        if error.answer != NOT_SUPPORTED:
            raise
    raise RequestError("watch", NOT_SUPPORTED, "the run needs the option --watch-refs=asked, and the object must not be immortal")


def _described(what, number, address):
    connection = _connect()
    if connection.function is None:
        return None
    while True:
        buffer, size = connection.make_room(0), len(connection.buffer)
        needed = request(what, number, address, buffer, size)
        if needed <= size:
            return json.loads(connection.text())
        connection.make_room(needed)


def block_info(address):
    """What the tool knows of the live block that an address is in, as a dict; None if it is in none, and outside the
    tool."""
    try:
        return _described("block_info", BLOCK_INFO, address)
    except RequestError as error:
        if error.answer != NO_BLOCK:
            raise
        return None


def who_points_at(address):
    """The places that hold a pointer to an address, as a dict, or None."""
    return _described("who_points_at", WHO_POINTS_AT, address)


def scrub_stack():
    """Overwrites dead pointers below the stack pointer. A request is made some frames deeper, and in what these frames do
    not use the tool would take such pointers for references, which hide leaks."""
    connection = _connect()
    if connection.function is None:
        return
    try:
        import fcntl
        # Its buffer is on the stack right below, where the frames of the next call begin.
        fcntl.fcntl(1 << 30, fcntl.F_GETFD, bytes(1024))
    except (ImportError, OSError, ValueError):
        pass
    connection.scrubber(VERSION, connection.zeros)


# text: the JSON text of the records. sums: kind -> (bytes, blocks). mark: of the search.
SearchAnswer = collections.namedtuple("SearchAnswer", "text sums records mark")


def leak_search(since=0, flags=SILENT):
    """Searches for leaks now: a SearchAnswer, or None outside the tool."""
    connection = _connect()
    if connection.function is None:
        return None
    ctypes = connection.ctypes
    search = connection.search(size=ctypes.sizeof(connection.search), flags=flags, since=since or 0)
    while True:
        search.buffer, search.buffer_size = connection.make_room(0), len(connection.buffer)
        request("leak_search", LEAK_SEARCH, ctypes.addressof(search))
        if search.needed <= search.buffer_size:
            break
        connection.make_room(search.needed)
        search.flags |= REPEAT
    kinds = list(search.kinds)
    return SearchAnswer(connection.text() if search.needed else "",
                        {kind: (kinds[2 * i], kinds[2 * i + 1]) for i, kind in enumerate(KINDS)},
                        search.records, search.mark)
