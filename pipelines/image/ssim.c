#include "ssim.h"

enum { WINDOW = 8, STEP = 4 };

struct sums {
    double a, b, aa, bb, ab, count;
};

static struct sums window_sum(const uint8_t *a, const uint8_t *b, size_t stride, size_t width,
                              size_t height)
{
    uint32_t sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (size_t y = 0; y < height; y++, a += stride, b += stride) {
        for (size_t x = 0; x < width; x++) {
            uint32_t va = a[x], vb = b[x];
            sa += va;
            sb += vb;
            saa += va * va;
            sbb += vb * vb;
            sab += va * vb;
        }
    }
    return (struct sums){sa, sb, saa, sbb, sab, (double)(width * height)};
}

static double window_ssim(const struct sums *s)
{
    const double c1 = 0.01 * 255 * 0.01 * 255, c2 = 0.03 * 255 * 0.03 * 255;
    double ma = s->a / s->count, mb = s->b / s->count;
    double va = s->aa / s->count - ma * ma, vb = s->bb / s->count - mb * mb;
    double covariance = s->ab / s->count - ma * mb;
    return (2 * ma * mb + c1) * (2 * covariance + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
}

double ssim(const uint8_t *a, const uint8_t *b, size_t width, size_t height)
{
    size_t across = width < WINDOW ? width : WINDOW, down = height < WINDOW ? height : WINDOW;
    double sum = 0, count = 0;
    for (size_t y = 0; y + down <= height; y += STEP) {
        for (size_t x = 0; x + across <= width; x += STEP, count++) {
            size_t at = y * width + x;
            const struct sums sums = window_sum(a + at, b + at, width, across, down);
            sum += window_ssim(&sums);
        }
    }
    return sum / count;
}
