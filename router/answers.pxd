# C declarations of router/answers.py, for the front door.

from cluster.csocket cimport epoll_event

cdef enum:  # what stands in the upper half of epoll's data, above the descriptor
    KIND_CLIENT = 0
    KIND_LINK = 1

cdef bint await_replies(list links, dict link_fds, epoll_event* events, int count) except? -1
