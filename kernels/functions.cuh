// The elementary functions in float32, out of additions, products, divisions
// and square roots alone: no library and no approximate instruction, so that
// every machine computes the same bits. Each is within 3 units in the last
// place of the true value unless it says otherwise; NaN stays NaN.
#pragma once
#include "device.cuh"

// ln 2 in two parts, the first with so few bits that n·LN2_HIGH is exact for
// every exponent n.
const float LN2_HIGH = 0.693359375f, LN2_LOW = -2.12194440e-4f, LOG2_E = 1.44269504f;

// power_of_two is 2ⁿ for -126 <= n <= 127.
DEVICE float power_of_two(int n) { return float_of((uint32)(n + 127) << 23); }

// exponential is eˣ: x = n·ln 2 + r with |r| <= ½ ln 2, and eʳ by its Taylor
// polynomial, whose error stays below 2⁻²⁷.
DEVICE float exponential(float x) {
    if (x != x) return x;
    x = smaller(larger(x, -104.0f), 89.0f);
    float n = nearest_integer(x * LOG2_E);
    float r = fused(n, -LN2_LOW, fused(n, -LN2_HIGH, x));
    float p = 1.0f / 5040;
    p = fused(p, r, 1.0f / 720);
    p = fused(p, r, 1.0f / 120);
    p = fused(p, r, 1.0f / 24);
    p = fused(p, r, 1.0f / 6);
    p = fused(p, r, 0.5f);
    p = fused(p * r, r, r) + 1;
    int half = (int)n / 2; // in two steps, for results beyond the normal numbers
    return p * power_of_two(half) * power_of_two((int)n - half);
}

// exponential_less_one is eˣ − 1, relative to itself too.
DEVICE float exponential_less_one(float x) {
    if (!(magnitude(x) < 0.35f)) return exponential(x) - 1;
    float p = 1.0f / 5040;
    p = fused(p, x, 1.0f / 720);
    p = fused(p, x, 1.0f / 120);
    p = fused(p, x, 1.0f / 24);
    p = fused(p, x, 1.0f / 6);
    p = fused(p, x, 0.5f);
    return fused(p * x, x, x);
}

// artanh_twice is 2·artanh(s) for |s| < 0.18, by its series.
DEVICE float artanh_twice(float s) {
    float t = s * s, p = 2.0f / 11;
    p = fused(p, t, 2.0f / 9);
    p = fused(p, t, 2.0f / 7);
    p = fused(p, t, 2.0f / 5);
    p = fused(p, t, 2.0f / 3);
    return fused(p * t, s, 2 * s);
}

// logarithm is the natural one: x = m·2ⁿ with m in [√½, √2), and
// log m = 2·artanh((m−1)/(m+1)).
DEVICE float logarithm(float x) {
    if (!(x > 0)) return x == 0 ? float_of(0xff800000u) : float_of(0x7fc00000u);
    if (bits_of(x) >= 0x7f800000u) return x; // infinity
    int n = 0;
    if (bits_of(x) < 0x00800000u) { // subnormal
        x *= 8388608.0f;
        n = -23;
    }
    const uint32 root_half = 0x3f3504f3u;
    int shift = (int)(bits_of(x) - root_half) >> 23;
    float m = float_of(bits_of(x) - ((uint32)shift << 23));
    float whole = (float)(n + shift);
    return fused(whole, LN2_HIGH, fused(whole, LN2_LOW, artanh_twice((m - 1) / (m + 1))));
}

// logarithm_of_one_plus is log(1 + v) for v >= 0.
DEVICE float logarithm_of_one_plus(float v) {
    return v < 0.4f ? artanh_twice(v / (2 + v)) : logarithm(1 + v);
}

// sigmoid is 1/(1 + e⁻ˣ), in the form whose exponential cannot overflow.
DEVICE float sigmoid(float x) {
    float e = exponential(-magnitude(x));
    return (x < 0 ? e : 1) / (1 + e);
}

// softplus is log(1 + eˣ) likewise.
DEVICE float softplus(float x) {
    return (x < 0 ? 0 : x) + logarithm_of_one_plus(exponential(-magnitude(x)));
}

// hyperbolic_tangent is −(e⁻²ᵃ − 1)/(e⁻²ᵃ + 1) with a = |x|, and its sign.
DEVICE float hyperbolic_tangent(float x) {
    float e = exponential_less_one(-2 * magnitude(x));
    float t = -e / (e + 2);
    return x < 0 ? -t : t;
}

// normal_upper is 1 − Φ(z) for z >= 0, Φ being the distribution function of the
// standard normal: e^(−z²/2) times a smooth rest, which is t = 1/(1 + 0.3z)
// times a polynomial in t (fitted on z < 14.5 to 2·10⁻⁹). Within 8 units in
// the last place.
DEVICE float normal_upper(float z) {
    if (z > 14.5f) return 0;
    float t = 1 / fused(0.3f, z, 1);
    float p = -0.02095602424f;
    p = fused(p, t, 0.114257453f);
    p = fused(p, t, -0.2325244073f);
    p = fused(p, t, 0.1975505846f);
    p = fused(p, t, -0.08421348152f);
    p = fused(p, t, 0.09871138235f);
    p = fused(p, t, 0.07751790108f);
    p = fused(p, t, 0.1104184111f);
    p = fused(p, t, 0.1195504315f);
    p = fused(p, t, 0.1196877477f);
    float square = z * z, rest = fused(z, z, -square); // z² in two parts
    float e = exponential(-0.5f * square);
    return p * t * fused(e, -0.5f * rest, e);
}

// normal_below is Φ(x).
DEVICE float normal_below(float x) {
    float upper = normal_upper(magnitude(x));
    return x < 0 ? upper : 1 - upper;
}

// sine_and_cosine are those of 2πu for 0 <= u <= 1. The reduction to an eighth
// of a turn is exact.
DEVICE void sine_and_cosine(float u, float &sine, float &cosine) {
    float quarters = nearest_integer(4 * u);
    float r = 2 * u - quarters * 0.5f; // half turns, |r| <= 1/4
    float t = r * r;
    float s = 0.08214588661f;
    s = fused(s, t, -0.5992645293f);
    s = fused(s, t, 2.55016404f);
    s = fused(s, t, -5.16771278f);
    s = fused(s * t, r, 3.14159265f * r);
    float c = -0.02580689139f;
    c = fused(c, t, 0.2353306304f);
    c = fused(c, t, -1.335262769f);
    c = fused(c, t, 4.058712126f);
    c = fused(c, t, -4.934802201f);
    c = fused(c, t, 1);
    int quarter = (int)quarters & 3;
    sine = quarter & 1 ? c : s;
    cosine = quarter & 1 ? s : c;
    if (quarter & 2) sine = -sine;
    if (quarter == 1 || quarter == 2) cosine = -cosine;
}
