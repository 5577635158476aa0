// The product of two tiles by a block of 256 threads on the matrix units, the
// core of matrix products and convolutions in tf32 and bf16:
//
//	sum[row, column] = Σ_d left[row, d] · right[d, column]
//
// The depth is walked in steps of 16 or, for warpgroups, of 32. Three stages of
// dynamic shared memory take turns: while the warps compute with one, the copies
// into the next two are under way (cp.async), and a step needs one barrier.
//
// Each operand is brought by a loader, which says where the numbers of a tile
// lie: find(slot, d, from) for the slot's first row (or column) and depth d; false
// for zeros, and then `from` may be anything. It is called once for each slot in
// each step, the slots in order, and advance() when both operands of a step are found,
// so that a loader may walk along. What a slot is, is said by its panel:
//
//	DepthFast  the depths of a row are neighbours in global and shared memory
//	RowFast    the rows (columns) of a depth are
//
// Width is how many neighbours a copy takes, 4 or 1. Both panels are permuted
// within shared memory, so that copies and fragments meet every bank once.
//
// A loader whose type says NORMED has a SourceNorm, `norm`, and says by channel() to
// which channel the first number of each slot belongs: a thread normalises what it has
// copied as soon as that has arrived, before the others see it. Zeros that stand for
// numbers outside stay zeros.
#pragma once
#include "normed.cuh"

const int STAGES = 3;

DEVICE int lane() { return thread_x() % WARP; }

template <int Extent, int Width, int Step> struct DepthFast {
    static const int STEP = Step, SIZE = Extent * STEP, SLOTS = (SIZE / Width + THREADS - 1) / THREADS, WIDTH = Width;
    DEVICE static bool used(int slot) { return SIZE / Width % THREADS == 0 || row(slot) < Extent; }
    DEVICE static int row(int slot) { return (thread_x() + slot * THREADS) / (STEP / Width); }
    DEVICE static int depth(int) { return thread_x() % (STEP / Width) * Width; }

    // Eight rows of four numbers fill the banks: rows of 32 numbers are turned each
    // by one more, rows of 16 every two.
    DEVICE static int place(int row, int depth) {
        int turn = Step == 32 ? row % 8 : row / 2 % 4;
        return row * STEP + (((depth / 4) ^ turn) * 4 + depth % 4);
    }
    // The places of a thread's slots differ by constants, which instructions hold.
    static const int ROWS_APART = THREADS / (STEP / Width);
    static_assert(ROWS_APART % 8 == 0, "the rows of a thread's slots are turned alike");
    DEVICE static int place(int slot) { return place(row(0), depth(0)) + slot * (ROWS_APART * STEP); }

    // left reads the fragment of 16 rows from `first + further` on, right those of 8
    // columns and the next 8.
    template <class Stages> DEVICE static void left(const Stages &stages, int at, int first, int further, int depth, float (&a)[4]) {
        stages.load_matrices(at + further * STEP + place(first + lane() % 16, depth + lane() / 16 * 4), a);
    }
    template <class Stages> DEVICE static void right(const Stages &stages, int at, int first, int further, int depth, float (&b)[2][2]) {
        float v[4];
        stages.load_matrices(at + further * STEP + place(first + lane() % 8 + lane() / 16 * 8, depth + lane() / 8 % 2 * 4), v);
        b[0][0] = v[0]; b[0][1] = v[1]; b[1][0] = v[2]; b[1][1] = v[3];
    }
};

template <int Extent, int Width, int Step> struct RowFast {
    static const int STEP = Step, SIZE = Extent * STEP, SLOTS = (SIZE / Width + THREADS - 1) / THREADS, WIDTH = Width;
    static const int DEPTHS_APART = THREADS / (Extent / Width), NEXT = STEP / SLOTS; // from slot to slot, also into the next step
    static_assert(SLOTS == 1 || DEPTHS_APART == NEXT, "the slots of a step follow one another as the steps do");
    DEVICE static bool used(int slot) { return SIZE / Width % THREADS == 0 || depth(slot) < STEP; }
    DEVICE static int row(int) { return thread_x() % (Extent / Width) * Width; }
    DEVICE static int depth(int slot) { return thread_x() / (Extent / Width) + slot * DEPTHS_APART; }

    // A fragment reads 8 rows of 4 depths: of 32 rows, those of a depth are turned by
    // 8 for each of four depths.
    DEVICE static int place(int row, int depth) { return depth * Extent + row / 32 * 32 + (row % 32 ^ depth % 4 * 8); }
    static_assert(DEPTHS_APART % 4 == 0, "the depths of a thread's slots are turned alike");
    DEVICE static int place(int slot) { return place(row(0), depth(0)) + slot * (DEPTHS_APART * Extent); }

    // left reads rows from `first + further` on. Written so that what differs between
    // the fragments of a thread is four offsets, and constants.
    template <class Stages> DEVICE static void left(const Stages &stages, int at, int first, int further, int depth, float (&a)[4]) {
        int turn = lane() % 4 * 8, from = at + first / 32 * 32 + lane() / 4 + lane() % 4 * Extent;
        int even = from + ((first % 32 + further) % 32 ^ turn), odd = from + ((first % 32 + further + 8) % 32 ^ turn);
        int beyond = further / 32 * 32 + depth * Extent;
        a[0] = stages.load(even + beyond);
        a[1] = stages.load(odd + beyond);
        a[2] = stages.load(even + beyond + 4 * Extent);
        a[3] = stages.load(odd + beyond + 4 * Extent);
    }
    template <class Stages> DEVICE static void right(const Stages &stages, int at, int first, int further, int depth, float (&b)[2][2]) {
        float a[4];
        left(stages, at, first, further, depth, a);
        b[0][0] = a[0]; b[0][1] = a[2]; b[1][0] = a[1]; b[1][1] = a[3];
    }
};

// TF32 and BF16 are what warps multiply: how deep a product is, and fragments of its
// factors from the numbers of panels, which are float32.
struct TF32 {
    using Word = float;
    static const int DEPTH = 8;

    template <class Panel, class Stages> DEVICE static void left(const Stages &stages, int at, int first, int further, int depth, Word (&a)[4]) {
        Panel::left(stages, at, first, further, depth, a);
    }
    template <class Panel, class Stages> DEVICE static void right(const Stages &stages, int at, int first, int further, int depth, Word (&b)[2][2]) {
        Panel::right(stages, at, first, further, depth, b);
    }
};

// In BF16 a fragment is two of TF32's, rounded on the way. What these hold are not the
// depths that a lane should bring, but both factors bring the same ones, and a sum
// over depths may be taken in any order of them.
struct BF16 {
    using Word = uint32;
    static const int DEPTH = 16;

    template <class Panel, class Stages> DEVICE static void left(const Stages &stages, int at, int first, int further, int depth, Word (&a)[4]) {
        UNROLL
        for (int half = 0; half < 2; half++) {
            float v[4];
            Panel::left(stages, at, first, further, depth + half * 8, v);
            a[half * 2] = two_of_bf16(v[0], v[2]);
            a[half * 2 + 1] = two_of_bf16(v[1], v[3]);
        }
    }
    template <class Panel, class Stages> DEVICE static void right(const Stages &stages, int at, int first, int further, int depth, Word (&b)[2][2]) {
        UNROLL
        for (int half = 0; half < 2; half++) {
            float v[2][2];
            Panel::right(stages, at, first, further, depth + half * 8, v);
            b[0][half] = two_of_bf16(v[0][0], v[0][1]);
            b[1][half] = two_of_bf16(v[1][0], v[1][1]);
        }
    }
};

// WarpTile is the shape of a block's share and of each warp's, WarpRows x
// WarpColumns elements in fragments of 16x8 (mma.sync). The largest tiles leave no
// registers for normalising (NORMS).
template <class Units, int Rows, int Columns, int WarpRows, int WarpColumns, int Step> struct WarpTile {
    static_assert(Rows * Columns == THREADS / WARP * WarpRows * WarpColumns, "a tile is made by 8 warps");
    static const int ROWS = Rows, COLUMNS = Columns, DOWN = WarpRows / 16, ACROSS = WarpColumns / 8, STEP = Step;
    static_assert(ACROSS % 2 == 0, "columns are read 16 at a time");
    static_assert(Step % Units::DEPTH == 0, "a step is some products deep");
    static const int SUMS = DOWN * ACROSS * 4; // of a thread, of each fragment four
    static const bool BEHIND = false, NORMS = Rows * Columns < 128 * 128;

    // The first row and column of a thread's warp.
    DEVICE static int row(int thread = thread_x()) { return thread / WARP / (Columns / WarpColumns) * WarpRows; }
    DEVICE static int column(int thread = thread_x()) { return thread / WARP % (Columns / WarpColumns) * WarpColumns; }

    template <int Count> DEVICE static void ready(float (&)[Count]) {}
    template <class LeftPanel, class RightPanel, class Stages, int Count>
    DEVICE static void multiply(const Stages &stages, int at, float (&sum)[Count]) {
        UNROLL
        for (int d = 0; d < STEP; d += Units::DEPTH) {
            typename Units::Word a[DOWN][4], b[ACROSS / 2][2][2];
            UNROLL
            for (int i = 0; i < DOWN; i++)
                Units::template left<LeftPanel>(stages, at, row(), 16 * i, d, a[i]);
            UNROLL
            for (int j = 0; j < ACROSS / 2; j++)
                Units::template right<RightPanel>(stages, at + LeftPanel::SIZE, column(), 16 * j, d, b[j]);
            UNROLL
            for (int i = 0; i < DOWN; i++)
                UNROLL
                for (int j = 0; j < ACROSS; j++)
                    add_product(*(float(*)[4])(sum + (i * ACROSS + j) * 4), a[i], b[j / 2][j % 2]);
        }
    }
};

// WarpgroupTile is one of 128 rows, made by two warpgroups (wgmma), which read
// operands of depths that are neighbours straight from shared memory.
template <int Columns> struct WarpgroupTile {
    static const int ROWS = 128, COLUMNS = Columns, DOWN = 1, ACROSS = Columns / 8, STEP = 32;
    static const int SUMS = DOWN * ACROSS * 4;
    static const bool BEHIND = true, NORMS = Columns < 128;

    DEVICE static int row(int thread = thread_x()) { return thread / WARP * 16; }
    DEVICE static int column(int) { return 0; }

    // ready waits until the units have multiplied, and shows them what was copied.
    template <int Count> DEVICE static void ready(float (&sum)[Count]) {
        wait_for_products(sum);
        show_copies();
    }
    template <class LeftPanel, class RightPanel, class Stages, int Count>
    DEVICE static void multiply(const Stages &stages, int at, float (&sum)[Count]) {
        begin_products();
        UNROLL
        for (int d = 0; d < STEP; d += 8)
            stages.template add_warpgroup_product<Columns>(sum, at + row() / 64 * 64 * STEP + d, at + LeftPanel::SIZE + d);
        commit_products();
    }
};

// deliver hands the sums to finish(row, column, v), for each four neighbouring elements of
// a row of the tile, column being a multiple of four and for a thread always the same.
// They go through the memory of the stages, which is free behind a barrier then, as many
// rows at a time as it holds, so that neighbouring threads have neighbouring columns.
template <class T, int Size, int Count, class Finish>
DEVICE void deliver(Shared<float, Size> &stages, const float (&sum)[Count], const Finish &finish) {
    const int PITCH = T::COLUMNS + 8, ROWS = T::ROWS * PITCH <= Size ? T::ROWS : T::ROWS / 2 * PITCH <= Size ? T::ROWS / 2 : T::ROWS / 4;
    static_assert(ROWS * PITCH <= Size && ROWS % (16 * T::DOWN) == 0, "the sums do not fit where the operands were");
    int thread = thread_again(), row = T::row(thread), column = T::column(thread);
    KEEP_LOOP
    for (int first = 0; first < T::ROWS; first += ROWS) {
        barrier();
        if (row >= first && row < first + ROWS)
            UNROLL
            for (int i = 0; i < T::DOWN; i++)
                UNROLL
                for (int j = 0; j < T::ACROSS; j++) {
                    int at = (row - first + 16 * i + thread % WARP / 4) * PITCH + column + 8 * j + thread % 4 * 2;
                    int of = (i * T::ACROSS + j) * 4;
                    stages.store_two(at, sum[of], sum[of + 1]);
                    stages.store_two(at + 8 * PITCH, sum[of + 2], sum[of + 3]);
                }
        barrier();
        KEEP_LOOP // finish is long
        for (int i = thread * 4; i < ROWS * T::COLUMNS; i += THREADS * 4)
            finish(first + i / T::COLUMNS, i % T::COLUMNS, stages.load_four(i / T::COLUMNS * PITCH + i % T::COLUMNS));
    }
}

// bring begins the copies of an operand's next stage, and says which slots have
// numbers: bit i of slot i.
template <class Panel, class Stages, class Loader> DEVICE int bring(Stages &stages, int at, Loader &loader, int first) {
    int present = 0;
    UNROLL
    for (int i = 0; i < Panel::SLOTS; i++) {
        if (!Panel::used(i)) continue;
        const float *from;
        bool inside = loader.find(i, first + Panel::depth(i), from);
        present |= (int)inside << i;
        int to = at + Panel::place(i);
        if constexpr (Panel::WIDTH == 4) stages.copy_four(to, from, inside);
        else stages.copy_one(to, from, inside);
    }
    return present;
}

// Coming is what a thread has to know of the stages under way of an operand that is
// normalised: the slots with numbers, and the channel above them. The oldest stage is the
// one that has arrived.
template <class Loader> struct Coming {
    using Panel = typename Loader::Panel;
    static_assert(Panel::SLOTS <= 8 && STAGES == 3, "eight bits say which slots have numbers, of two stages");
    int older = 0, newer = 0;

    DEVICE void note(const Loader &loader, int present) {
        if constexpr (Loader::NORMED) {
            older = newer;
            newer = loader.channel() << 8 | present;
        }
    }
    template <class Stages> DEVICE void arrived(Stages &stages, int at, const Loader &loader) const {
        if constexpr (Loader::NORMED) {
            if (!loader.norm.given() || !(older & 255)) return;
            auto channel = [&]() INLINED {
                if constexpr (Panel::WIDTH == 4) return loader.norm.four(older >> 8);
                else return loader.norm.one(older >> 8);
            }();
            UNROLL
            for (int i = 0; i < Panel::SLOTS; i++) {
                if (!(older >> i & 1)) continue;
                int to = at + Panel::place(i);
                if constexpr (Panel::WIDTH == 4) stages.store_four(to, loader.norm.of(stages.load_four(to), channel));
                else stages.store(to, loader.norm.of(stages.load(to), channel));
            }
        }
    }
};

// stages_of is the dynamic shared memory of a block: the stages of two loaders, which
// end at end_of_stages, and More numbers behind them.
template <class Left, class Right> DEVICE constexpr int end_of_stages() { return STAGES * (Left::Panel::SIZE + Right::Panel::SIZE); }
template <class Left, class Right, int More = 0> DEVICE auto &stages_of() {
    using Memory = Shared<float, end_of_stages<Left, Right>() + More>;
    DYNAMIC_SHARED(Memory, stages);
    return stages;
}

// matrix_sums leaves a thread its sums. The loader Left is asked before Right. What is
// wanted of the block or the thread behind it is better asked for again than kept: the
// largest tiles have no register over.
template <class T, class Memory, class Left, class Right>
DEVICE void matrix_sums(Memory &stages, int depth, Left &left, Right &right, float (&sum)[T::SUMS]) {
    using LeftPanel = typename Left::Panel;
    using RightPanel = typename Right::Panel;
    const int STEP = T::STEP, STAGE = LeftPanel::SIZE + RightPanel::SIZE;
    static_assert(LeftPanel::STEP == STEP && RightPanel::STEP == STEP, "operands are walked in the steps of the tile");
    UNROLL
    for (int i = 0; i < T::SUMS; i++)
        sum[i] = 0;

    int steps = up_divide(depth, STEP), coming = 0; // to multiply, and the depth of the next to fill
    int multiplying = 0;                            // where the stage of the present one begins
    Coming<Left> coming_left;
    Coming<Right> coming_right;
    auto fill = [&](bool some, int filling) INLINED {
        int present_left = 0, present_right = 0;
        if (some) {
            present_left = bring<LeftPanel>(stages, filling, left, coming);
            present_right = bring<RightPanel>(stages, filling + LeftPanel::SIZE, right, coming);
            coming += STEP;
        }
        coming_left.note(left, present_left);
        coming_right.note(right, present_right);
        if (some) {
            left.advance();
            right.advance();
        }
        commit_copies();
    };
    UNROLL
    for (int step = 0; step < STAGES - 1; step++)
        fill(step < steps, step * STAGE);
    KEEP_LOOP
    for (; steps > 0; steps--) {
        wait_for_copies<STAGES - 2>();
        coming_left.arrived(stages, multiplying, left);
        coming_right.arrived(stages, multiplying + LeftPanel::SIZE, right);
        T::ready(sum);
        barrier(); // the copies of all threads have arrived, and the stage before is read
        int before = multiplying == 0 ? (STAGES - 1) * STAGE : multiplying - STAGE;
        if (!T::BEHIND) fill(steps >= STAGES, before);
        T::template multiply<LeftPanel, RightPanel>(stages, multiplying, sum);
        if (T::BEHIND) fill(steps >= STAGES, before); // while the units multiply
        multiplying = multiplying == (STAGES - 1) * STAGE ? 0 : multiplying + STAGE;
    }
    T::ready(sum);
}

// These are called rather than inlined: as often as they are used, they would be
// most of the code.
CALLED float activated_by_call(int function, float alpha, float v) { return activated(function, alpha, v); }
CALLED float slope_by_call(int function, float alpha, float v) { return slope(function, alpha, v); }

// Part is four neighbouring numbers of a row, of which the first is inside.
struct Part {
    Four v;
    int count;

    DEVICE Part(Four four, int column, int columns) : v(four), count(columns - column) {}
    // finish adds the bias and applies f, or with `of` multiplies by f', and adds what
    // is added, whose elements from `at` on belong to these, as those of `of` do.
    DEVICE void finish(const float *bias, EPILOGUE, int at) {
        if (bias) {
            v.x += bias[0];
            if (count > 1) v.y += bias[1];
            if (count > 2) v.z += bias[2];
            if (count > 3) v.w += bias[3];
        }
        if (of) {
            Four slope = load(of, at);
            v.x *= slope_by_call(function, alpha, slope.x);
            v.y *= slope_by_call(function, alpha, slope.y);
            v.z *= slope_by_call(function, alpha, slope.z);
            v.w *= slope_by_call(function, alpha, slope.w);
        } else if (function != IDENTITY) {
            v.x = activated_by_call(function, alpha, v.x);
            v.y = activated_by_call(function, alpha, v.y);
            v.z = activated_by_call(function, alpha, v.z);
            v.w = activated_by_call(function, alpha, v.w);
        }
        if (added) {
            Four more = load(added, at);
            v = {v.x + more.x, v.y + more.y, v.z + more.z, v.w + more.w};
        }
    }
    // load reads from element `at` on of a whole buffer, which is aligned; zeros
    // outside.
    DEVICE Four load(const float *from, int at) const {
        if (count > 3 && at % 4 == 0) return read_four(from + at);
        return {from[at], count > 1 ? from[at + 1] : 0, count > 2 ? from[at + 2] : 0, count > 3 ? from[at + 3] : 0};
    }
    // store writes element `at` on of a whole buffer, which is aligned.
    DEVICE void store(float *to, int at) const {
        if (count > 3 && at % 4 == 0) {
            write_four(to + at, v);
            return;
        }
        to[at] = v.x;
        if (count > 1) to[at + 1] = v.y;
        if (count > 2) to[at + 2] = v.z;
        if (count > 3) to[at + 3] = v.w;
    }
};
