// Convolutions with one to four channels on one side, as at the first and the
// last layer of an image model, in float32. A tile of matrix products would be
// nearly empty for them; these kernels read and write the wide side once, which
// is almost all there is to move, and take the thin side out of shared memory.
//
//	convolve_to_thin_*    wide ─► thin: forward of few filters at stride 1, gradient by an
//	                      input of few channels at stride 1 or 2
//	convolve_from_thin_*  thin ─► wide: forward of few channels at any stride, gradient by
//	                      the input of few filters at stride 1
//	convolve_thin_weight_*  gradient by the filters of either and by the bias (columns.cuh);
//	                      as the last gradient of a model with the norm of all (squares.cuh)
//	convolve_thin_weight_normed_*  the same, of a wide side that is normalised as it is read
//
// The wide side can be normalised as it is read (normed.cuh), and the thin one compared
// with targets as it is made, of which the slopes of a loss are written then (loss.cuh).
//
// All take one group, no dilation, and a wide side that is a multiple of four.
// At stride 1 forward and backward are the same sum, with the taps in reversed
// order and another padding:
//
//	dx[h, c] = Σ dy[h + pad − r, k] · w[k,c,r] = Σ dy[h − (R−1−pad) + r', k] · w[k,c,R−1−r']
//
// so that each kernel knows one direction, and is told how far filters of
// neighbouring wide and thin channels stand apart, and whether taps are reversed.
#include "loss.cuh"
#include "normed.cuh"
#include "splits.cuh"
#include "squares.cuh"

// Cells walks through a block's rows x columns x depth, depth fastest, a thread
// from one cell to the one that lies `threads` further, without division. depth
// divides the number of threads.
struct Cells {
    int rows, columns, row, column, down, right;

    DEVICE Cells(int rows_, int columns_, int depth) : rows(rows_), columns(columns_) {
        int first = thread_x() / depth, step = threads_x() / depth;
        row = first / columns;
        column = first % columns;
        down = step / columns;
        right = step % columns;
    }
    DEVICE bool inside() const { return row < rows; }
    DEVICE void next() {
        row += down;
        column += right;
        if (column < columns) return;
        column -= columns;
        row++;
    }
};

// Window is the way of one axis from results to sources. Results Stride apart
// have sources one apart; the sources of results i·Stride … i·Stride + Stride − 1
// are i + low … i + low + count − 1. Result i·Stride + phase meets source
// i + low + v by the tap that tap(phase, v) says, if there is one.
template <int Stride> struct Window {
    int low, count, pad, taps;

    DEVICE Window(int pad_, int taps_) : pad(pad_), taps(taps_) {
        low = Stride == 1 ? pad - taps + 1 : (pad - taps + 2) >> 1;
        count = (Stride == 1 ? pad : (pad + 1) >> 1) - low + 1;
    }
    DEVICE int tap(int phase, int v) const { return phase + pad - Stride * (low + v); }
    DEVICE bool has(int tap) const { return tap >= 0 && tap < taps; }
};

// bring_filters brings all taps of so many pairs of a wide and a thin channel,
// neighbouring threads neighbouring taps: load(pair, tap) reads one, store(pair,
// place, v) keeps it, where the place is the tap of the sum.
template <class Load, class Store>
DEVICE void bring_filters(int taps, int reversed, int pairs, const Load &load, const Store &store) {
    const int LANES_OF_TAPS = 16, BATCH = 4;
    int step = threads_x() / LANES_OF_TAPS;
    KEEP_LOOP
    for (int tap = thread_x() % LANES_OF_TAPS; tap < taps; tap += LANES_OF_TAPS) {
        int place = reversed ? taps - 1 - tap : tap;
        KEEP_LOOP
        for (int pair = thread_x() / LANES_OF_TAPS; pair < pairs; pair += step * BATCH) {
            float v[BATCH];
            UNROLL
            for (int i = 0; i < BATCH; i++)
                v[i] = pair + i * step < pairs ? load(pair + i * step, tap) : 0;
            UNROLL
            for (int i = 0; i < BATCH; i++)
                if (pair + i * step < pairs) store(pair + i * step, place, v[i]);
        }
    }
}

// bring_sources stores `rows` times `length` numbers of an image of imageH times
// `imageW` numbers from (top, left) on at `at`, zeros outside and in rows from
// `present` on.
template <class Array>
DEVICE void bring_sources(Array &to, int at, const float *image, int imageH, int imageW, int top, int left, int rows, int present,
                          int length) {
    const int BATCH = 4;
    KEEP_LOOP
    for (Cells cell(rows, length, 1); cell.inside();) {
        float v[BATCH];
        int place[BATCH];
        UNROLL
        for (int i = 0; i < BATCH; i++) {
            int y = top + cell.row, x = left + cell.column;
            place[i] = cell.inside() ? at + cell.row * length + cell.column : -1;
            v[i] = cell.row < present && y >= 0 && y < imageH && x >= 0 && x < imageW ? image[y * imageW + x] : 0;
            cell.next();
        }
        UNROLL
        for (int i = 0; i < BATCH; i++)
            if (place[i] >= 0) to.store(place[i], v[i]);
    }
}

// What a block keeps in shared memory, in fours of numbers: 46 KB.
const int SOURCES = 2464, FILTERS = 400;
const int ACROSS = 8; // places for the taps of a row of filters

// to_thin: a thread makes Down results one below the other, Stride·Stride phases
// of each, in all Thin channels, out of sources that it reads Down + 2 at a time
// for three rows of taps. A block has groups x columns such threads; it takes `quads`
// times four wide channels at a time, with all sources that its tile meets. Where it
// has more threads, these channels are shared by as many parts.
//
//	sources  quad, row, column of fours   filters  quad, tap, thin channel of fours
template <int Stride, int Thin>
DEVICE void to_thin(const float *source, const float *w, const float *bias, float *out, int sourceH, int sourceW, int wide,
                    int outH, int outW, int R, int S, int padH, int padW, int wide_step, int thin_step, int reversed,
                    int columns, int groups, int quads, EPILOGUE, const SourceNorm &norm, int blocks, COMPARED) {
    const int DOWN = 8 / Stride, REACH = 3;
    const int BATCH = Stride * Thin == 8 ? 4 : 5; // reads at a time, as many as registers allow
    const bool ROOM = Stride * Thin < 8; // the others have no registers to normalise and to compare
    SHARED Shared<float, (SOURCES + FILTERS) * 4> tile;
    Window<Stride> h(padH, R), v(padW, S);
    int image, first_row, first_column, column, group, part, parts = threads_x() / columns / groups;
    auto find_place = [&](int thread, const Block &block, int columns) INLINED {
        int across = up_divide(up_divide(outW, Stride), columns);
        image = block.x / across, first_row = block.y * groups * DOWN, first_column = block.x % across * columns;
        column = thread % columns, group = thread / columns % groups, part = thread / columns / groups;
    };
    find_place(thread_x(), block_of_launch(), columns);
    int rows = groups * DOWN + up_divide(h.count, REACH) * REACH - 1, width = columns + v.count - 1;
    int plane = rows * width; // planes lie so that neighbouring threads store to different banks
    plane += (8 / quads - plane) & 7;

    float sum[DOWN][Stride][Stride][Thin];
    UNROLL
    for (int y = 0; y < DOWN; y++)
        UNROLL
        for (int a = 0; a < Stride; a++)
            UNROLL
            for (int b = 0; b < Stride; b++)
                UNROLL
                for (int o = 0; o < Thin; o++)
                    sum[y][a][b][o] = 0;

    int quad = thread_x() % quads, corner = image * sourceH * sourceW * wide + quad * 4;
    KEEP_LOOP
    for (int from = 0; from < wide; from += quads * 4) {
        bool present = from + quad * 4 < wide;
        KEEP_LOOP
        for (Cells cell(rows, width, quads); cell.inside();) {
            Four four[BATCH];
            int at[BATCH];
            UNROLL
            for (int i = 0; i < BATCH; i++) {
                int y = first_row + h.low + cell.row, x = first_column + v.low + cell.column;
                at[i] = cell.inside() ? (quad * plane + cell.row * width + cell.column) * 4 : -1;
                four[i] = {0, 0, 0, 0};
                if (present && cell.inside() && y >= 0 && y < sourceH && x >= 0 && x < sourceW)
                    four[i] = read_four(source + (corner + (y * sourceW + x) * wide + from));
                cell.next();
            }
            UNROLL
            for (int i = 0; i < BATCH; i++)
                if (at[i] >= 0) tile.store_four(at[i], four[i]);
        }
        if (ROOM && norm.given() && present) { // apart from the reads, for which all registers are needed
            NormedChannels channels = norm.four(from + quad * 4);
            KEEP_LOOP
            for (Cells cell(rows, width, quads); cell.inside(); cell.next()) {
                int y = first_row + h.low + cell.row, x = first_column + v.low + cell.column;
                int at = (quad * plane + cell.row * width + cell.column) * 4;
                if (y >= 0 && y < sourceH && x >= 0 && x < sourceW) tile.store_four(at, norm.of(tile.load_four(at), channels));
            }
        }
        bring_filters(
            R * S, reversed, quads * 4 * Thin,
            [&](int pair, int tap) INLINED {
                int c = from + pair / Thin;
                return c < wide ? w[c * wide_step + pair % Thin * thin_step + tap] : 0;
            },
            [&](int pair, int tap, float f) INLINED {
                int c = pair / Thin;
                tile.store((SOURCES + ((c / 4 * R + tap / S) * ACROSS + tap % S) * Thin + pair % Thin) * 4 + c % 4, f);
            });
        barrier();
        KEEP_LOOP
        for (int q = part; q < quads && from + q * 4 < wide && part < parts; q += parts)
            KEEP_LOOP
            for (int right = 0; right < v.count; right++)
                KEEP_LOOP
                for (int below = 0; below < h.count; below += REACH) {
                    Four four[DOWN + REACH - 1];
                    int at = q * plane + (group * DOWN + below) * width + column + right;
                    int r = h.tap(0, below), s = v.tap(0, right), filter = SOURCES + ((q * R + r) * ACROSS + s) * Thin;
                    UNROLL
                    for (int i = 0; i < DOWN + REACH - 1; i++)
                        four[i] = tile.load_four((at + i * width) * 4);
                    UNROLL
                    for (int i = 0; i < REACH; i++)
                        UNROLL
                        for (int a = 0; a < Stride; a++)
                            UNROLL
                            for (int b = 0; b < Stride; b++) {
                                const int down = a - Stride * i;
                                if (!h.has(r + down) || !v.has(s + b)) continue; // the same for all threads
                                UNROLL
                                for (int o = 0; o < Thin; o++) {
                                    Four f = tile.load_four((filter + (down * ACROSS + b) * Thin + o) * 4);
                                    UNROLL
                                    for (int y = 0; y < DOWN; y++)
                                        sum[y][a][b][o] = fused(four[y + i].x, f.x, sum[y][a][b][o]);
                                    UNROLL
                                    for (int y = 0; y < DOWN; y++)
                                        sum[y][a][b][o] = fused(four[y + i].y, f.y, sum[y][a][b][o]);
                                    UNROLL
                                    for (int y = 0; y < DOWN; y++)
                                        sum[y][a][b][o] = fused(four[y + i].z, f.z, sum[y][a][b][o]);
                                    UNROLL
                                    for (int y = 0; y < DOWN; y++)
                                        sum[y][a][b][o] = fused(four[y + i].w, f.w, sum[y][a][b][o]);
                                }
                            }
                }
        barrier();
    }

    // The sums of all parts meet in the same memory, in order, so that neighbouring
    // threads write neighbouring numbers.
    find_place(thread_again(), block_again_at(0, 0, 0), again(columns)); // for which the products had no register
    int pitch = columns * Stride * Thin;
    KEEP_LOOP
    for (int p = 0; p < parts; p++) {
        if (p == part)
            UNROLL
            for (int y = 0; y < DOWN; y++)
                UNROLL
                for (int a = 0; a < Stride; a++)
                    UNROLL
                    for (int b = 0; b < Stride; b++)
                        UNROLL
                        for (int o = 0; o < Thin; o++) {
                            int at = ((group * DOWN + y) * Stride + a) * pitch + (column * Stride + b) * Thin + o;
                            tile.store(at, p > 0 ? tile.load(at) + sum[y][a][b][o] : sum[y][a][b][o]);
                        }
        barrier();
    }
    int top = first_row * Stride, left = first_column * Stride;
    int down = smaller(groups * DOWN * Stride, outH - top), length = smaller(columns * Stride, outW - left) * Thin;
    float own = 0;
    KEEP_LOOP
    for (int y = thread_x() / WARP; y < down; y += threads_x() / WARP)
        KEEP_LOOP
        for (int i = thread_x() % WARP; i < length; i += WARP) {
            float sum = tile.load(y * pitch + i);
            if (bias) sum += bias[i % Thin];
            int at = ((image * outH + top + y) * outW + left) * Thin + i;
            float made = finished_at(at, sum, EPILOGUE_ARGUMENTS);
            out[at] = ROOM && targets ? compared(own, at, made, COMPARED_ARGUMENTS) : made;
        }
    if (ROOM && targets) total_loss(own, block_y() * (blocks / up_divide(outH, groups * DOWN * Stride)) + block_x(), blocks, COMPARED_ARGUMENTS);
}

// from_thin: a thread makes eight wide channels, two times four that lie half a
// block of Wide channels apart, of PIXELS pixels of a column at a time, rows of which
// there are enough for all threads: its sums meet each number of the source and of the filters that it reads in a whole row or
// column of products. Filters of a row of taps lie as the sources they meet, thin
// channels fastest, so that a row of taps is one loop.
//
//	sources  row, column·thin of the tile     filters  tap, thin channel, wide channel
const int PIXELS = 8, NUMBERS = 11600;

// numbers_of_block is its shared memory, the same one for whatever it computes.
DEVICE auto &numbers_of_block() {
    SHARED Shared<float, NUMBERS> numbers;
    return numbers;
}

template <int Wide>
DEVICE void from_thin(const Block &block, const float *source, const float *w, const float *bias, float *out, int sourceH, int sourceW, int thin,
                      int outH, int outW, int wide, int R, int S, int strideH, int strideW, int padH, int padW, int wide_step,
                      int thin_step, int reversed, int rows, int log_columns, EPILOGUE) {
    const int LANES_OF_CHANNELS = Wide / 8, PITCH = Wide + 4;
    auto &numbers = numbers_of_block();
    int columns = 1 << log_columns, across = up_divide(outW, columns), image = block.x / across;
    int top = block.y * rows, left = block.x % across * columns, first = block.z * Wide;
    int row_of_taps = S * thin, pitch = (columns - 1) * strideW * thin + row_of_taps;
    int height = (rows - 1) * strideH + R, sources = R * row_of_taps * PITCH; // behind the filters

    bring_sources(numbers, sources, source + image * sourceH * sourceW * thin, sourceH, sourceW * thin, top * strideH - padH,
                  (left * strideW - padW) * thin, height, height, pitch);
    bring_filters(
        R * S, reversed, Wide * thin,
        [&](int pair, int tap) INLINED {
            int k = first + pair % Wide;
            return k < wide ? w[k * wide_step + pair / Wide * thin_step + tap] : 0;
        },
        [&](int pair, int tap, float f) INLINED { numbers.store((tap * thin + pair / Wide) * PITCH + pair % Wide, f); });
    barrier();

    int channel = thread_x() % LANES_OF_CHANNELS * 4, lane = thread_x() / LANES_OF_CHANNELS, lanes = threads_x() / LANES_OF_CHANNELS;
    int x = lane & (columns - 1), between = lanes >> log_columns, apart = between * strideH * pitch; // of a thread's pixels
    KEEP_LOOP
    for (int y = lane >> log_columns; y < rows; y += between * PIXELS) {
        Four sum[2 * PIXELS];
        UNROLL
        for (int i = 0; i < 2 * PIXELS; i++)
            sum[i] = {0, 0, 0, 0};
        auto multiply = [&](int filter, int at) INLINED {
            Four f = numbers.load_four(filter), g = numbers.load_four(filter + Wide / 2);
            UNROLL
            for (int i = 0; i < PIXELS; i++) {
                float v = numbers.load(at + i * apart);
                sum[2 * i].x = fused(v, f.x, sum[2 * i].x);
                sum[2 * i].y = fused(v, f.y, sum[2 * i].y);
                sum[2 * i].z = fused(v, f.z, sum[2 * i].z);
                sum[2 * i].w = fused(v, f.w, sum[2 * i].w);
                sum[2 * i + 1].x = fused(v, g.x, sum[2 * i + 1].x);
                sum[2 * i + 1].y = fused(v, g.y, sum[2 * i + 1].y);
                sum[2 * i + 1].z = fused(v, g.z, sum[2 * i + 1].z);
                sum[2 * i + 1].w = fused(v, g.w, sum[2 * i + 1].w);
            }
        };
        int filter = channel, at = sources + y * strideH * pitch + x * strideW * thin;
        KEEP_LOOP
        for (int r = 0; r < R; r++) {
            int e = 0;
            KEEP_LOOP
            for (; e + 3 <= row_of_taps; e += 3) { // three at a time share the arithmetic of addresses
                UNROLL
                for (int i = 0; i < 3; i++)
                    multiply(filter + i * PITCH, at + i);
                filter += 3 * PITCH;
                at += 3;
            }
            KEEP_LOOP
            for (; e < row_of_taps; e++) {
                multiply(filter, at++);
                filter += PITCH;
            }
            at += pitch - row_of_taps;
        }

        Four before[2] = {{0, 0, 0, 0}, {0, 0, 0, 0}};
        UNROLL
        for (int half = 0; half < 2; half++)
            if (int k = first + channel + half * Wide / 2; bias && k < wide) before[half] = read_four(bias + k);
        // write finishes and writes four channels of a pixel.
        auto write = [&](int i, int half, Four v, const auto &finish) INLINED {
            int row = top + y + i * between, k = first + channel + half * Wide / 2;
            if (row >= outH || left + x >= outW || k >= wide) return;
            Four b = half ? before[1] : before[0];
            int at = ((image * outH + row) * outW + left + x) * wide + k;
            Four o = {0, 0, 0, 0};
            if (of) o = read_four(of + at);
            Four result = {finish(v.x + b.x, o.x), finish(v.y + b.y, o.y), finish(v.z + b.z, o.z), finish(v.w + b.w, o.w)};
            if (added) result = plus(result, read_four(added + at));
            write_four(out + at, result);
        };
        auto write_all = [&](const auto &finish) INLINED {
            UNROLL
            for (int i = 0; i < 2 * PIXELS; i++)
                write(i / 2, i % 2, sum[i], finish);
        };
        // The simplest functions stand here sixty-four times, the others once, in a
        // loop that moves the sums up.
        switch (function) {
        case IDENTITY: write_all([&](float v, float) INLINED { return v; }); break;
        case RELU: write_all([&](float v, float o) INLINED { return finished(RELU, alpha, of ? &o : of, v); }); break;
        case LEAKY_RELU: write_all([&](float v, float o) INLINED { return finished(LEAKY_RELU, alpha, of ? &o : of, v); }); break;
        default:
            KEEP_LOOP
            for (int i = 0; i < 2 * PIXELS; i++) {
                write(i / 2, i % 2, sum[0], [&](float v, float o) INLINED { return finished(function, alpha, of ? &o : of, v); });
                UNROLL
                for (int j = 0; j < 2 * PIXELS - 1; j++)
                    sum[j] = sum[j + 1];
            }
        }
    }
}

// thin_weight: a block sums the products of the pixels of the wide side in some
// tiles. A thread has eight wide channels, as in from_thin, and Length numbers of a
// row of taps x thin channels, which lie side by side in the source, and takes one
// pixel of its lane after another. A piece may exceed its row by numbers that nobody
// writes; zeros stand behind the last row for that. In the end the lanes of each sum
// are added up in order, and the splits of the tiles as in splits.cuh, whose tiles are
// here taps, thin channel, wide channel of the block.
template <int Length, int Wide, bool Norms>
DEVICE void thin_weight(const Block &block, const float *source, const float *other, float *dw, float *part, uint32 *counters, int N,
                        int sourceH, int sourceW, int thin, int H, int W, int wide, int R, int S, int strideH, int strideW, int padH,
                        int padW, int wide_step, int thin_step, int reversed, int rows, int columns, int chunk, SUMMED,
                        const SourceNorm &norm, SQUARED) {
    const int LANES_OF_CHANNELS = Wide / 8, TOGETHER = Norms ? 1 : 4;
    int tiles = N * up_divide(H, rows) * up_divide(W, columns);
    int groups_of_sums = up_divide(summed_columns, SUMMED_TOGETHER);
    auto square = [&](int squared) INLINED { // when a part of the gradients is made, or `squared` is to be
        square_beside(squared, up_divide(wide, Wide) + groups_of_sums + squared_chunks, SQUARED_ARGUMENTS, dw, wide * thin * R * S, totals,
                      summed_columns);
    };
    if (int layer = block.z - 1; layer >= 0) {
        int further = (layer * up_divide(wide, Wide) + block.y) * up_divide(tiles, chunk) + block.x, squared = further - slices * groups_of_sums;
        if (squared >= 0 ? squared < squared_chunks : column_sums(further, SUMMED_ARGUMENTS) && gradients) square(squared);
        return;
    }
    static_assert(THREADS * 8 <= NUMBERS, "the sums do not fit where the sources were");
    auto &numbers = numbers_of_block();
    int row_of_taps = S * thin, pieces = up_divide(row_of_taps, Length), groups = R * pieces;
    int channel = thread_x() % LANES_OF_CHANNELS * 4, group = thread_x() / LANES_OF_CHANNELS % groups;
    int lane = thread_x() / LANES_OF_CHANNELS / groups, lanes = THREADS / LANES_OF_CHANNELS / groups;
    int first = block.y * Wide, r = group / pieces, piece = group % pieces * Length;
    int pitch = (columns - 1) * strideW * thin + row_of_taps, height = (rows - 1) * strideH + R;
    bool low = first + channel < wide, high = first + channel + Wide / 2 < wide;
    NormedChannels of_low = {}, of_high = {}; // what the normalisation does to the thread's channels
    if (Norms && low) of_low = norm.four(first + channel);
    if (Norms && high) of_high = norm.four(first + channel + Wide / 2);

    float sum[Length][8];
    UNROLL
    for (int i = 0; i < Length; i++)
        UNROLL
        for (int j = 0; j < 8; j++)
            sum[i][j] = 0;

    int down = up_divide(H, rows), across = up_divide(W, columns);
    int last = smaller((block.x + 1) * chunk, tiles);
    KEEP_LOOP
    for (int tile = block.x * chunk; tile < last; tile++) {
        int image = tile / across / down, top = tile / across % down * rows, left = tile % across * columns;
        bring_sources(numbers, 0, source + image * sourceH * sourceW * thin, sourceH, sourceW * thin, top * strideH - padH,
                      (left * strideW - padW) * thin, height + up_divide(Length, pitch), height, pitch);
        barrier();
        int height_here = smaller(rows, H - top), width_here = smaller(columns, W - left);
        int row = lane / width_here, column = lane % width_here, step_down = lanes / width_here, step_right = lanes % width_here;
        int here = ((image * H + top) * W + left) * wide + first + channel;
        KEEP_LOOP
        while (lane < lanes && row < height_here) {
            Four f[TOGETHER], g[TOGETHER];
            int at[TOGETHER];
            UNROLL
            for (int i = 0; i < TOGETHER; i++) {
                at[i] = row < height_here ? row * strideH * pitch + column * strideW * thin + r * pitch + piece : -1;
                f[i] = g[i] = {0, 0, 0, 0};
                if (at[i] >= 0 && low) f[i] = read_four(other + (here + (row * W + column) * wide));
                if (at[i] >= 0 && high) g[i] = read_four(other + (here + (row * W + column) * wide + Wide / 2));
                if (Norms && at[i] >= 0) {
                    if (low) f[i] = norm.of(f[i], of_low);
                    if (high) g[i] = norm.of(g[i], of_high);
                }
                row += step_down;
                column += step_right;
                if (column >= width_here) {
                    column -= width_here;
                    row++;
                }
            }
            UNROLL
            for (int i = 0; i < TOGETHER; i++) {
                if (at[i] < 0) break;
                UNROLL
                for (int e = 0; e < Length; e++) {
                    float v = numbers.load(at[i] + e);
                    sum[e][0] = fused(v, f[i].x, sum[e][0]);
                    sum[e][1] = fused(v, f[i].y, sum[e][1]);
                    sum[e][2] = fused(v, f[i].z, sum[e][2]);
                    sum[e][3] = fused(v, f[i].w, sum[e][3]);
                    sum[e][4] = fused(v, g[i].x, sum[e][4]);
                    sum[e][5] = fused(v, g[i].y, sum[e][5]);
                    sum[e][6] = fused(v, g[i].z, sum[e][6]);
                    sum[e][7] = fused(v, g[i].w, sum[e][7]);
                }
            }
        }
        barrier();
    }

    int width = smaller(Wide, wide); // of a tile
    Split own(part, counters, block.y, block.x, up_divide(tiles, chunk), R * row_of_taps * width);
    UNROLL
    for (int e = 0; e < Length; e++) {
        numbers.store_four(thread_x() * 8, {sum[e][0], sum[e][1], sum[e][2], sum[e][3]});
        numbers.store_four(thread_x() * 8 + 4, {sum[e][4], sum[e][5], sum[e][6], sum[e][7]});
        barrier();
        KEEP_LOOP
        for (int i = thread_x(); i < groups * Wide; i += THREADS) {
            int k = i % Wide, half = k / (Wide / 2), g = i / Wide, number = g % pieces * Length + e;
            if (first + k >= wide || number >= row_of_taps) continue;
            float total = 0;
            for (int l = 0; l < lanes; l++)
                total += numbers.load(((l * groups + g) * LANES_OF_CHANNELS + k % (Wide / 2) / 4) * 8 + half * 4 + k % 4);
            own.sums()[(g / pieces * row_of_taps + number) * width + k] = total;
        }
        barrier();
    }
    bool made = own.add([&](int i) INLINED { return first + i % width < wide; },
                        [&](int i, Four sum) INLINED {
                            int c = i / width % thin, tap = i / width / thin;
                            float *to = dw + (first + i % width) * wide_step + c * thin_step + (reversed ? R * S - 1 - tap : tap);
                            to[0] = sum.x;
                            to[wide_step] = sum.y;
                            to[2 * wide_step] = sum.z;
                            to[3 * wide_step] = sum.w;
                        });
    if (made && gradients) square(-1);
}

// Shared memory of 46 kB leaves capability 7.5 room for one block on a multiprocessor in
// any case, and its threads all registers then.
#if __CUDA_ARCH__ < 800
#define TO_THIN_KERNEL KERNEL
#else
#define TO_THIN_KERNEL MATRIX_KERNEL
#endif

#define TO_THIN(name, stride, thin)                                                                                \
    TO_THIN_KERNEL name(const float *RESTRICT source, const float *RESTRICT w, const float *RESTRICT bias,          \
                float *out, int sourceH, int sourceW, int wide, int outH, int outW, int R, int S, int padH,  \
                int padW, int wide_step, int thin_step, int reversed, int columns, int groups, int quads,          \
                EPILOGUE, SOURCE_NORM, int blocks, COMPARED) {                                                     \
        to_thin<stride, thin>(source, w, bias, out, sourceH, sourceW, wide, outH, outW, R, S, padH, padW, wide_step, \
                              thin_step, reversed, columns, groups, quads, EPILOGUE_ARGUMENTS, {SOURCE_NORM_ARGUMENTS},      \
                              blocks, COMPARED_ARGUMENTS);                                                         \
    }                                                                                                              \
    EXPORT(name)

TO_THIN(convolve_to_thin_1, 1, 1)
TO_THIN(convolve_to_thin_2, 1, 2)
TO_THIN(convolve_to_thin_3, 1, 3)
TO_THIN(convolve_to_thin_4, 1, 4)
TO_THIN(convolve_to_thin_1_strided, 2, 1)
TO_THIN(convolve_to_thin_2_strided, 2, 2)
TO_THIN(convolve_to_thin_3_strided, 2, 3)
TO_THIN(convolve_to_thin_4_strided, 2, 4)

#define SIDES                                                                                                      \
    int sourceH, int sourceW, int thin, int outH, int outW, int wide, int R, int S, int strideH, int strideW,      \
        int padH, int padW, int wide_step, int thin_step, int reversed
#define SIDES_ARGUMENTS                                                                                            \
    sourceH, sourceW, thin, outH, outW, wide, R, S, strideH, strideW, padH, padW, wide_step, thin_step, reversed

// GRADIENT is a gradient by the filters, of the same sides, that has the first blocks of a
// launch (beside.cuh): its grid, and what else it is told.
#define GRADIENT                                                                                                   \
    int gradient_across, int gradient_down, const float *few, const float *many, float *dw, float *part,           \
        uint32 *counters, int N, int gradient_rows, int gradient_columns, int chunk, SUMMED

// FROM_THIN can have convolve_thin_weight_3 beside; longer ones would leave it too few
// registers.
#define FROM_THIN(name, channels)                                                                                  \
    MATRIX_KERNEL name(const float *RESTRICT source, const float *RESTRICT w, const float *RESTRICT bias,          \
                       float *out, SIDES, int rows, int log_columns, EPILOGUE, PLACE, GRADIENT) {                  \
        if (block_x() < ahead) {                                                                                   \
            thin_weight<3, channels, false>(block_in_row(block_x(), gradient_across, gradient_down), few, many,    \
                                            dw, part, counters, N, SIDES_ARGUMENTS, gradient_rows,                 \
                                            gradient_columns, chunk, SUMMED_ARGUMENTS, SourceNorm(), 0, 0, 0, 0,   \
                                            0, 0, 0, 0);                                                           \
            return;                                                                                                \
        }                                                                                                          \
        from_thin<channels>(block_at(PLACE_ARGUMENTS), source, w, bias, out, SIDES_ARGUMENTS, rows, log_columns,   \
                            EPILOGUE_ARGUMENTS);                                                                   \
    }                                                                                                              \
    EXPORT(name)

FROM_THIN(convolve_from_thin_32, 32)
FROM_THIN(convolve_from_thin_64, 64)

#define THIN_WEIGHT(name, length, channels)                                                                        \
    MATRIX_KERNEL name(const float *RESTRICT source, const float *RESTRICT other, float *RESTRICT dw, float *part, \
                       uint32 *counters, int N, SIDES, int rows, int columns, int chunk, SUMMED, SQUARED) {        \
        thin_weight<length, channels, false>(block_of_launch(), source, other, dw, part, counters, N,              \
                                             SIDES_ARGUMENTS, rows, columns, chunk, SUMMED_ARGUMENTS,              \
                                             SourceNorm(), SQUARED_ARGUMENTS);                                     \
    }                                                                                                              \
    EXPORT(name)

#define THIN_WEIGHT_NORMED(name, length, channels)                                                                 \
    MATRIX_KERNEL name(const float *RESTRICT source, const float *RESTRICT other, float *RESTRICT dw, float *part, \
                       uint32 *counters, int N, SIDES, int rows, int columns, int chunk, SUMMED, SOURCE_NORM) {    \
        thin_weight<length, channels, true>(block_of_launch(), source, other, dw, part, counters, N,               \
                                            SIDES_ARGUMENTS, rows, columns, chunk, SUMMED_ARGUMENTS,               \
                                            {SOURCE_NORM_ARGUMENTS}, 0, 0, 0, 0, 0, 0, 0, 0);                      \
    }                                                                                                              \
    EXPORT(name)

THIN_WEIGHT(convolve_thin_weight_3x32, 3, 32)
THIN_WEIGHT(convolve_thin_weight_6x32, 6, 32)
THIN_WEIGHT(convolve_thin_weight_9x32, 9, 32)
THIN_WEIGHT(convolve_thin_weight_3x64, 3, 64)
THIN_WEIGHT(convolve_thin_weight_6x64, 6, 64)
THIN_WEIGHT(convolve_thin_weight_9x64, 9, 64)
THIN_WEIGHT_NORMED(convolve_thin_weight_normed_3x32, 3, 32)
THIN_WEIGHT_NORMED(convolve_thin_weight_normed_6x32, 6, 32)
THIN_WEIGHT_NORMED(convolve_thin_weight_normed_3x64, 3, 64)
THIN_WEIGHT_NORMED(convolve_thin_weight_normed_6x64, 6, 64)
