# The system calls of the compiled socket shells.

cdef extern from "sys/epoll.h" nogil:
    cdef enum:
        EPOLLIN
        EPOLLOUT
        EPOLLRDHUP
        EPOLLHUP
        EPOLLERR
        EPOLL_CTL_ADD
        EPOLL_CTL_DEL
        EPOLL_CTL_MOD
        EPOLL_CLOEXEC
    ctypedef union epoll_data_t:
        void* ptr
        int fd
        unsigned long long u64
    struct epoll_event:
        unsigned int events
        epoll_data_t data
    int epoll_create1(int flags)
    int epoll_ctl(int epfd, int op, int fd, epoll_event* event)
    int epoll_wait(int epfd, epoll_event* events, int most, int timeout)

cdef extern from "sys/socket.h" nogil:
    cdef enum:
        MSG_DONTWAIT
        MSG_NOSIGNAL
    struct iovec:
        void* iov_base
        size_t iov_len
    struct msghdr:
        iovec* msg_iov
        size_t msg_iovlen
    ssize_t sendmsg(int fd, const msghdr* message, int flags)
    ssize_t recv(int fd, void* data, size_t size, int flags)
    ssize_t send(int fd, const void* data, size_t size, int flags)

cdef extern from "sys/timerfd.h" nogil:
    cdef enum:
        TFD_NONBLOCK
        TFD_CLOEXEC
    struct timespec:
        long tv_sec
        long tv_nsec
    struct itimerspec:
        timespec it_interval
        timespec it_value
    int timerfd_create(int clock, int flags)
    int timerfd_settime(int fd, int flags, const itimerspec* new_value, itimerspec* old_value)

cdef extern from "unistd.h" nogil:
    ssize_t read(int fd, void* data, size_t size)
    int close(int fd)

cdef extern from "time.h" nogil:
    cdef enum:
        CLOCK_MONOTONIC
    int clock_gettime(int clock, timespec* now)

cdef extern from "poll.h" nogil:
    cdef enum:
        POLLIN
        POLLOUT
    struct pollfd:
        int fd
        short events
        short revents
    int poll(pollfd* fds, unsigned long count, int timeout)
    int ppoll(pollfd* fds, unsigned long count, const timespec* timeout, void* mask)

cdef extern from "sched.h" nogil:
    int sched_yield()
