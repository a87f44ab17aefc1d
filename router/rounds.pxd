# C declarations of router/rounds.py, for the socket shell.

from router.connection cimport Link

cdef unsigned long long held_links(list links, long long now) noexcept
cdef bint is_due(Link link, unsigned long long held) noexcept
cdef unsigned long long awaited(list links, unsigned long long here) noexcept
cdef bint awaits_others(Link link) noexcept
