// A deep product of few tiles is shared among splits: several blocks make a tile, each
// the sum over its part of the depth, and leave it in `part`, which is null where a
// block makes a tile alone; who finishes last adds them up:
//
//	part      tile, split, size     numbers of a tile as its kernel orders them
//	counters  tile, counters_of     0 before the launch and after it
//
// Eight neighbouring splits are added up by the last of the eight to finish, and
// written where the first of them stood; these sums are added up in eights again, and
// so on to the one sum of the tile. So what the last block is left with is some reads
// of a tile, however many splits there are, and a thread has all that it adds on the
// way to it at once.
//
// Bytes: of each split 4 written and 4 read an element, and an eighth of that again
// for each further eight.
#pragma once
#include "columns.cuh"

struct Split {
    float *part; // of the tile
    uint32 *counters;
    int number, count, size; // of the splits and, a multiple of four, of the numbers

    static DEVICE int counters_of(int splits) {
        int counters = 0;
        do counters += splits = up_divide(splits, AHEAD);
        while (splits > 1);
        return counters;
    }
    DEVICE Split(float *parts, uint32 *all, int tile, int number, int count, int size)
        : part(parts + tile * count * size), counters(all + tile * counters_of(count)), number(number), count(count), size(size) {}

    // sums is where this split leaves its own.
    DEVICE float *sums() const { return part + number * size; }

    // add is called by all threads when the sums are left. finish(i, sum) is called once
    // for each four numbers from i on for which inside(i), by the last block of the
    // tile, for which it is true.
    template <class Inside, class Finish> DEVICE bool add(const Inside &inside, const Finish &finish) const {
        int step = size, left = count, at = number;
        uint32 *counter = counters;
        KEEP_LOOP
        while (left > AHEAD) {
            int first = at / AHEAD * AHEAD, together = smaller(AHEAD, left - first);
            if (!last_to_arrive(counter + at / AHEAD, together)) return false;
            KEEP_LOOP
            for (int i = thread_x() * 4; i < size; i += THREADS * 4)
                if (inside(i)) write_four(part + first * step + i, sum_every<Four, Fresh>(part + first * step + i, step, together));
            at /= AHEAD;
            left = up_divide(left, AHEAD);
            step *= AHEAD;
            counter += left;
        }
        if (!last_to_arrive(counter, left)) return false;
        KEEP_LOOP
        for (int i = thread_x() * 4; i < size; i += THREADS * 4)
            if (inside(i)) finish(i, sum_every<Four, Fresh>(part + i, step, left));
        return true;
    }
};

// split_of is split `number` of a block's tile T of a product of rows x columns, one of
// several that lie behind one another.
template <class T>
DEVICE Split split_of(Block block, float *part, uint32 *counters, int product, int rows, int columns, int number, int count) {
    int tile = (product * up_divide(columns, T::COLUMNS) + block.y) * up_divide(rows, T::ROWS) + block.x;
    return Split(part, counters, tile, number, count, T::ROWS * T::COLUMNS);
}
