/*
 * Bands are resized each for itself, as planes of one value per pixel, and become pixels again when their
 * columns lie side by side.
 *
 * Two passes. First vertically: lines of the source are kept in a ring until all lines for LANES
 * lines of the result are available. Each of these is then a weighted sum of lines, and is written by
 * columns, two at a time. Then horizontally: the sums are computed over whole columns, for eight lines at
 * once and for all planes with the same filter. Eight pixels of eight lines become colours and bytes
 * before the next ones, while they are in the nearest cache.
 *
 * With alpha, colours are multiplied by it before and divided by it after resizing, so that
 * transparent pixels do not contribute their colour.
 */
#include "resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "resample_filter.h"
#include "resample_kernel.h"

enum {
    /* A plane of half the size needs up to four of its lines, eight of the picture, more than the
     * others, which are ahead by these and a turn. */
    AHEAD = RESAMPLE_TURN + 2 * 4 + 2,
    CACHE_LINE = 64,
};

struct plane {
    struct plan_size from;
    const struct resample_filter *down, *across;
    size_t line; /* values of a source line, rounded up to LINE_MULTIPLE */
    unsigned char *ring;
    unsigned capacity; /* lines */
    unsigned pushed;   /* source lines received */
};

struct resampler {
    struct plane planes[RESAMPLE_BANDS_MAX];
    unsigned bands; /* planes */
    struct resample_filter filters[2 * RESAMPLE_BANDS_MAX];
    size_t filter_count;
    struct plan_size to;
    bool alpha; /* the rings have values instead of bytes */
    bool ycc;
    unsigned char *out;
    unsigned done; /* result lines written */

    unsigned char *memory; /* of the rings and the following */
    size_t used;
    const void **lines; /* into a ring */
    int16_t *scratch;
    int16_t *columns;     /* of all planes, LANES lines after the vertical pass */
    size_t plane_columns; /* values from one plane to the next */
};

/* ---- making one ---- */

/* Planes of the same size share their filters. */
static const struct resample_filter *filter_for(struct resampler *r, unsigned from, double extent,
                                                unsigned to)
{
    for (size_t i = 0; i < r->filter_count; i++) {
        const struct resample_filter *f = &r->filters[i];
        if (f->from == from && f->extent == extent && f->to == to)
            return f;
    }
    struct resample_filter *made = &r->filters[r->filter_count++];
    return resample_filter_init(made, from, extent, to) ? NULL : made;
}

static size_t value_size(const struct resampler *r)
{
    return r->alpha ? sizeof(int16_t) : 1;
}

/* Of the source, for LANES lines of the result. */
static size_t lines_needed(const struct resample_filter *down)
{
    return down->taps + (size_t)ceil(down->extent / down->to * LANES) + 2;
}

/* ahead: lines that arrive before those of other planes. */
static int plane_init(struct resampler *r, const struct resample_source *from, unsigned ahead)
{
    struct plane *p = &r->planes[r->bands++];
    p->from = from->size;
    p->line = ((size_t)from->size.width + LINE_MULTIPLE - 1) / LINE_MULTIPLE * LINE_MULTIPLE;
    p->down = filter_for(r, from->size.height, from->extent.height, r->to.height);
    p->across = filter_for(r, from->size.width, from->extent.width, r->to.width);
    if (!p->down || !p->across)
        return ERR_MEMORY;
    p->capacity = (unsigned)lines_needed(p->down) + ahead;
    return 0;
}

/* A part of the memory, which begins with a line of the cache: no register's worth of values is in two
 * of these. Before there is memory, only counts. */
static void *part_take(struct resampler *r, size_t size)
{
    unsigned char *part =
        r->memory ? r->memory + CACHE_LINE - (uintptr_t)r->memory % CACHE_LINE + r->used : NULL;
    r->used += (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    return part;
}

static void parts_take(struct resampler *r, size_t lines)
{
    r->used = 0;
    for (unsigned i = 0; i < r->bands; i++) {
        struct plane *p = &r->planes[i];
        p->ring = part_take(r, p->capacity * p->line * value_size(r));
    }
    r->lines = part_take(r, lines * sizeof *r->lines);
    r->scratch = part_take(r, lines * LINE_MULTIPLE * sizeof *r->scratch);
    r->columns = part_take(r, r->plane_columns * r->bands * sizeof *r->columns);
}

/* Zeros. Weights that are zero reach beyond the columns. */
static int memory_init(struct resampler *r)
{
    size_t lines = 0;
    for (unsigned i = 0; i < r->bands; i++) {
        const struct plane *p = &r->planes[i];
        size_t columns = (p->line + p->across->taps) * LANES, needed = lines_needed(p->down) + 2;
        lines = needed > lines ? needed : lines;
        r->plane_columns = columns > r->plane_columns ? columns : r->plane_columns;
    }
    parts_take(r, lines);
    r->memory = calloc(1, r->used + CACHE_LINE);
    if (!r->memory)
        return ERR_MEMORY;
    parts_take(r, lines);
    return 0;
}

/* Components have sizes of their own; all bands of pixels have that of the picture. */
static struct resampler *make(const struct resampler *plan, const struct resample_source *from,
                              unsigned bands)
{
    struct resampler *r = malloc(sizeof *r);
    if (!r)
        return NULL;
    int code = 0;
    *r = *plan;
    for (unsigned i = 0; !code && i < bands; i++)
        code = r->ycc ? plane_init(r, &from[i], AHEAD) : plane_init(r, from, 0);
    if (!code && !memory_init(r))
        return r;
    resampler_free(r);
    return NULL;
}

struct resampler *resampler_new(const struct resample_source *from, struct plan_size to,
                                unsigned char *out)
{
    const struct resampler plan = {.to = to, .out = out, .alpha = from->alpha};
    return make(&plan, from, from->bands);
}

struct resampler *resampler_new_ycc(const struct resample_source from[RESAMPLE_PLANES],
                                    struct plan_size to, unsigned char *out)
{
    const struct resampler plan = {.to = to, .out = out, .ycc = true};
    return make(&plan, from, RESAMPLE_PLANES);
}

void resampler_free(struct resampler *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->filter_count; i++)
        resample_filter_free(&r->filters[i]);
    free(r->memory);
    free(r);
}

/* ---- vertically ---- */

static unsigned char *ring_line(const struct resampler *r, const struct plane *p, unsigned y)
{
    return p->ring + (size_t)(y % p->capacity) * p->line * value_size(r);
}

/* Lines whose weights are zero may not be there yet, or be beyond the source: any line does. The last
 * batch repeats its last line. */
static void pass_down(struct resampler *r, const struct plane *p, unsigned first, unsigned count,
                      int16_t *columns)
{
    const struct resample_filter *f = p->down;
    const size_t begin = (size_t)f->first[first];
    struct line_sums sums = {.lines = r->lines,
                             .values = r->alpha,
                             .count = (size_t)f->first[first + count - 1] + f->taps - begin,
                             .length = p->line,
                             .taps = f->taps};
    for (unsigned i = 0; i < LANES; i++) {
        const unsigned y = first + (i < count ? i : count - 1);
        sums.first[i] = (size_t)f->first[y] - begin;
        sums.weights[i] = f->weights + (size_t)y * f->taps;
    }
    for (size_t k = 0; k < sums.count; k++)
        r->lines[k] = ring_line(r, p, (unsigned)(begin + k));
    weigh_lines(&sums, r->scratch, columns);
}

/* ---- horizontally ---- */

/* Divides the colours of pixels by their alpha. */
static void divide_by_alpha(resample_tile *tiles, unsigned bands)
{
    const int one = 255 << VALUE_BITS;
    for (unsigned i = 0; i < LANES * LANES; i++) {
        const int alpha = tiles[bands - 1][i];
        for (unsigned b = 0; b + 1 < bands; b++) {
            int divided = alpha > 0 ? tiles[b][i] * one / alpha : 0;
            tiles[b][i] = (int16_t)(divided < 0 ? 0 : divided > one ? one : divided);
        }
    }
}

/* At the edges of the picture, where there are less than LANES pixels or lines. */
static void write_part(const struct resampler *r, const resample_tile *tiles, unsigned char *out,
                       size_t pixels, unsigned lines)
{
    uint8_t block[LANES][LANES * RESAMPLE_BANDS_MAX];
    tiles_to_bytes(tiles, r->bands, block[0], sizeof block[0]);
    for (unsigned i = 0; i < lines; i++)
        memcpy(out + (size_t)i * r->to.width * r->bands, block[i], pixels * r->bands);
}

/* How many planes from one on have the same filter. */
static unsigned alike(const struct resampler *r, unsigned from)
{
    unsigned until = from + 1;
    while (until < r->bands && r->planes[until].across == r->planes[from].across)
        until++;
    return until - from;
}

static void pass_across(const struct resampler *r, size_t x, size_t pixels, resample_tile *tiles)
{
    for (unsigned i = 0, planes; i < r->bands; i += planes) {
        const struct resample_filter *f = r->planes[i].across;
        planes = alike(r, i);
        const struct column_sums sums = {.columns = r->columns + i * r->plane_columns,
                                         .plane = r->plane_columns,
                                         .planes = planes,
                                         .first = f->first,
                                         .weights = f->weights,
                                         .taps = f->taps};
        weigh_columns(&sums, x, pixels, tiles + i);
    }
}

static void batch(struct resampler *r, unsigned first, unsigned count)
{
    const size_t pixel = r->bands, pitch = r->to.width * pixel;
    resample_tile tiles[RESAMPLE_BANDS_MAX] = {0};
    for (unsigned i = 0; i < r->bands; i++)
        pass_down(r, &r->planes[i], first, count, r->columns + i * r->plane_columns);
    for (size_t x = 0; x < r->to.width; x += LANES) {
        const size_t pixels = r->to.width - x < LANES ? r->to.width - x : LANES;
        unsigned char *out = r->out + first * pitch + x * pixel;
        pass_across(r, x, pixels, tiles);
        if (r->ycc)
            ycc_to_rgb(tiles);
        if (r->alpha)
            divide_by_alpha(tiles, r->bands);
        if (pixels == LANES && count == LANES)
            tiles_to_bytes(tiles, r->bands, out, pitch);
        else
            write_part(r, tiles, out, pixels, count);
    }
}

/* ---- lines that arrive ---- */

static bool is_ready(const struct resampler *r, unsigned y)
{
    for (unsigned i = 0; i < r->bands; i++) {
        if ((unsigned)r->planes[i].down->last[y] >= r->planes[i].pushed)
            return false;
    }
    return true;
}

static void advance(struct resampler *r)
{
    while (r->done < r->to.height) {
        unsigned count = r->to.height - r->done < LANES ? r->to.height - r->done : LANES;
        if (!is_ready(r, r->done + count - 1))
            break;
        batch(r, r->done, count);
        r->done += count;
    }
}

void resampler_push_plane(struct resampler *r, size_t plane, const unsigned char *line)
{
    struct plane *p = &r->planes[plane];
    memcpy(ring_line(r, p, p->pushed++), line, p->from.width);
    advance(r);
}

static void keep_bytes(struct resampler *r, const unsigned char *line)
{
    uint8_t *kept[RESAMPLE_BANDS_MAX];
    for (unsigned b = 0; b < r->bands; b++)
        kept[b] = ring_line(r, &r->planes[b], r->planes[b].pushed);
    bands_split(line, r->planes[0].from.width, r->bands, kept);
}

static void keep_values(struct resampler *r, const unsigned char *line)
{
    const unsigned last = r->bands - 1;
    for (unsigned b = 0; b < r->bands; b++) {
        const struct plane *p = &r->planes[b];
        int16_t *kept = (int16_t *)(void *)ring_line(r, p, p->pushed);
        const unsigned char *pixel = line;
        for (unsigned x = 0; x < p->from.width; x++, pixel += r->bands) {
            const unsigned weight = b < last ? pixel[last] : 255;
            kept[x] = (int16_t)(((pixel[b] * weight << VALUE_BITS) + 127) / 255);
        }
    }
}

void resampler_push(struct resampler *r, const unsigned char *line)
{
    if (r->alpha)
        keep_values(r, line);
    else
        keep_bytes(r, line);
    for (unsigned b = 0; b < r->bands; b++)
        r->planes[b].pushed++;
    advance(r);
}
