"""What collections have in common for whoever looks ahead. Compiled."""

import cython


@cython.cclass
class Elements:
    """A collection whose elements are looked up by name."""

    @cython.cfunc
    @cython.exceptval(check=False)
    def ask(self, member: bytes, step: cython.int) -> cython.bint:
        """Ask for the memory that a look-up of `member` will read: where its hash leads (step 0), and, once that is
        there, what stands there (step 1). Nothing else. Whether step 1 is worth while, and the same for more members:
        the collection is larger than what the processor keeps at hand."""
        return False
