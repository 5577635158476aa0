// The product of two tiles by a block of 256 threads, the core of matrix
// products and convolutions:
//
//	sum[row, column] = Σ_d left[row, d] · right[d, column]
//
// The depth is walked in steps of 16. While the threads compute with the values
// of one step out of shared memory, they already hold those of the next one in
// registers; two buffers take turns, so that a step needs one barrier. A thread
// makes Down x Across neighbouring elements, and reads Down + Across numbers
// for as many products as elements.
//
//	left    buffer, depth, row        right   buffer, depth, column
//
// Each operand is brought by a loader, which says what the numbers of a tile
// are: load(slot, d) for the slot's row (or column) and depth d. It is called
// once for each slot in each step, d being 16 more than in the step before, so
// that a loader may walk along. Which slots a thread has is said by DepthFirst
// or RowFirst, whichever makes neighbouring threads read neighbouring addresses.
#pragma once
#include "device.cuh"

const int DEPTH = 16; // of a step

// DepthFirst: 16 neighbouring threads take the depths of one row.
template <int Rows> struct DepthFirst {
    static const int SLOTS = (Rows * DEPTH + THREADS - 1) / THREADS;
    DEVICE static int row(int slot) { return thread_x() / DEPTH + slot * (THREADS / DEPTH); }
    DEVICE static int depth(int) { return thread_x() % DEPTH; }
};

// RowFirst: neighbouring threads take neighbouring rows of one depth.
template <int Rows> struct RowFirst {
    static const int SLOTS = (Rows * DEPTH + THREADS - 1) / THREADS;
    DEVICE static int row(int) { return thread_x() % Rows; }
    DEVICE static int depth(int slot) { return thread_x() / Rows + slot * (THREADS / Rows); }
};

// Tile is the shape of a block's share.
template <int Rows, int Columns, int Down, int Across> struct Tile {
    static_assert(Rows * Columns == THREADS * Down * Across, "a tile is made by 256 threads");
    static const int ROWS = Rows, COLUMNS = Columns, DOWN = Down, ACROSS = Across;

    // Rows of two buffers stand 4 apart from a multiple of the 32 banks and stay aligned
    // for reads of four. The sums go through the same memory in the end.
    static const int PITCH_LEFT = Rows + 4, PITCH_RIGHT = Columns + 4, SIZE = 2 * DEPTH * (PITCH_LEFT + PITCH_RIGHT);

    // The first row and column of this thread's elements.
    DEVICE static int row() { return thread_x() / (Columns / Across) * Down; }
    DEVICE static int column() { return thread_x() % (Columns / Across) * Across; }
};

// some_of reads Count neighbouring numbers, four at a time where they can be.
template <int Count, class Array> DEVICE void some_of(const Array &array, int at, float (&v)[Count]) {
    if constexpr (Count == 4) {
        Four four = array.load_four(at);
        v[0] = four.x; v[1] = four.y; v[2] = four.z; v[3] = four.w;
    } else {
        UNROLL
        for (int i = 0; i < Count; i++)
            v[i] = array.load(at + i);
    }
}

// memory_of_tiles is that of a block, the same one for whatever it computes.
template <int Size> DEVICE Shared<float, Size> &memory_of_tiles() {
    SHARED Shared<float, Size> memory;
    return memory;
}

// finish(row, column, sum) is called once for each element of the tile, neighbouring
// threads having neighbouring columns. Tiles of a kernel that has several share the
// memory of the largest, Room.
template <class T, int Room = T::SIZE, class Left, class Right, class Finish>
DEVICE void tile_product(int depth, Left &left, Right &right, const Finish &finish) {
    const int PITCH_LEFT = T::PITCH_LEFT, PITCH_RIGHT = T::PITCH_RIGHT, PITCH_SUM = T::COLUMNS + 1;
    const int RIGHT = 2 * DEPTH * PITCH_LEFT;
    static_assert(T::ROWS * PITCH_SUM <= T::SIZE && T::SIZE <= Room, "the sums do not fit where the operands were, or these do not");
    const int SLOTS_LEFT = Left::Slots::SLOTS, SLOTS_RIGHT = Right::Slots::SLOTS;
    auto &tile = memory_of_tiles<Room>();
    float next_left[SLOTS_LEFT], next_right[SLOTS_RIGHT], sum[T::DOWN][T::ACROSS];

    auto fetch = [&](int from) {
        UNROLL
        for (int i = 0; i < SLOTS_LEFT; i++)
            next_left[i] = left.load(i, from + Left::Slots::depth(i));
        UNROLL
        for (int i = 0; i < SLOTS_RIGHT; i++)
            next_right[i] = right.load(i, from + Right::Slots::depth(i));
    };
    auto put = [&](int buffer) { // a tile of fewer numbers than threads leaves slots outside
        UNROLL
        for (int i = 0; i < SLOTS_LEFT; i++)
            if (Left::Slots::row(i) < T::ROWS && Left::Slots::depth(i) < DEPTH)
                tile.store((buffer * DEPTH + Left::Slots::depth(i)) * PITCH_LEFT + Left::Slots::row(i), next_left[i]);
        UNROLL
        for (int i = 0; i < SLOTS_RIGHT; i++)
            if (Right::Slots::row(i) < T::COLUMNS && Right::Slots::depth(i) < DEPTH)
                tile.store(RIGHT + (buffer * DEPTH + Right::Slots::depth(i)) * PITCH_RIGHT + Right::Slots::row(i), next_right[i]);
    };

    UNROLL
    for (int i = 0; i < T::DOWN; i++)
        UNROLL
        for (int j = 0; j < T::ACROSS; j++)
            sum[i][j] = 0;
    fetch(0);
    put(0);
    barrier();
    for (int from = 0, buffer = 0; from < depth; from += DEPTH, buffer ^= 1) {
        bool more = from + DEPTH < depth;
        if (more) fetch(from + DEPTH);
        UNROLL
        for (int d = 0; d < DEPTH; d++) {
            float a[T::DOWN], b[T::ACROSS];
            some_of(tile, (buffer * DEPTH + d) * PITCH_LEFT + T::row(), a);
            some_of(tile, RIGHT + (buffer * DEPTH + d) * PITCH_RIGHT + T::column(), b);
            UNROLL
            for (int i = 0; i < T::DOWN; i++)
                UNROLL
                for (int j = 0; j < T::ACROSS; j++)
                    sum[i][j] = fused(a[i], b[j], sum[i][j]);
        }
        if (more) put(buffer ^ 1);
        barrier();
    }
    UNROLL
    for (int i = 0; i < T::DOWN; i++)
        UNROLL
        for (int j = 0; j < T::ACROSS; j++)
            tile.store((T::row() + i) * PITCH_SUM + T::column() + j, sum[i][j]);
    barrier();
    KEEP_LOOP // finish is long
    for (int i = thread_x(); i < T::ROWS * T::COLUMNS; i += THREADS)
        finish(i / T::COLUMNS, i % T::COLUMNS, tile.load(i / T::COLUMNS * PITCH_SUM + i % T::COLUMNS));
}
