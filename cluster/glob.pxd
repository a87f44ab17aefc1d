# C declarations of cluster/glob.py.

cdef bint match_bytes(bytes pattern, bytes text, bint nocase) noexcept
