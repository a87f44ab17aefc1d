# C declarations of router/answers.py, for the socket shell.

cdef int await_answers(list links, unsigned long long wanted) except? -1
