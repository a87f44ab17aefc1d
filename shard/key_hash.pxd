# C declarations of shard/key_hash.py.

cdef unsigned int hash_of(const char* key, Py_ssize_t size) noexcept nogil

# What Python does not say: the folded product of two 64-bit numbers.
cdef extern from *:
    """
    #if defined(__SIZEOF_INT128__)
    static inline unsigned long long elixir_fold(unsigned long long a, unsigned long long b)
    {
        unsigned __int128 product = (unsigned __int128)a * b;
        return (unsigned long long)product ^ (unsigned long long)(product >> 64);
    }
    #else
    static inline unsigned long long elixir_fold(unsigned long long a, unsigned long long b)
    {
        unsigned long long cross = (a >> 32) * (b & 0xffffffffu) + (a & 0xffffffffu) * (b >> 32);
        return (a * b) ^ ((a >> 32) * (b >> 32) + (cross >> 32));
    }
    #endif
    """
    unsigned long long elixir_fold(unsigned long long a, unsigned long long b) noexcept nogil
