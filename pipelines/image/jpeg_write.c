#include "jpeg_write.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "jpeg_optimise.h"

struct jpeg_writer {
    struct jpeg_optimise own;
    bool optimises; /* instead of libjpeg */
    struct jpeg_error_mgr errors;
    jmp_buf failed;
    unsigned char *file; /* malloc'd by libjpeg */
    unsigned long size;
};

static void give_up(j_common_ptr jpeg)
{
    struct jpeg_writer *w = jpeg->client_data;
    longjmp(w->failed, 1);
}

static void ignore_message(j_common_ptr jpeg, int level)
{
    (void)jpeg;
    (void)level;
}

static void settings_apply(struct jpeg_compress_struct *jpeg, const struct jpeg_settings *settings)
{
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, settings->quality, TRUE);
    jpeg->optimize_coding = settings->optimised;
    jpeg->write_JFIF_header = FALSE; /* it is metadata */
    if (settings->progressive)
        jpeg_simple_progression(jpeg);
    for (int i = 0; settings->full_colour && i < jpeg->num_components; i++) {
        jpeg->comp_info[i].h_samp_factor = 1;
        jpeg->comp_info[i].v_samp_factor = 1;
    }
}

static int encode(struct jpeg_writer *w, const unsigned char *pixels, struct plan_size size,
                  unsigned bands, const struct jpeg_settings *settings)
{
    struct jpeg_compress_struct *jpeg = &w->own.jpeg;
    if (setjmp(w->failed))
        return ERR_UNSUPPORTED;
    jpeg_create_compress(jpeg);
    jpeg_mem_dest(jpeg, &w->file, &w->size);
    jpeg->image_width = size.width;
    jpeg->image_height = size.height;
    jpeg->input_components = (int)bands;
    jpeg->in_color_space = bands == 1 ? JCS_GRAYSCALE : JCS_RGB;
    settings_apply(jpeg, settings);
    if (w->optimises)
        jpeg_optimise_start(&w->own);
    else
        jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < size.height) {
        size_t line = (size_t)jpeg->next_scanline * size.width * bands;
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + line); /* libjpeg only reads it */
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    return 0;
}

static int encode_as(bool optimises, const unsigned char *pixels, struct plan_size size,
                     unsigned bands, const struct jpeg_settings *settings, struct bytes *out)
{
    struct jpeg_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_UNSUPPORTED;
    w->own.jpeg.err = jpeg_std_error(&w->errors);
    w->own.jpeg.client_data = w;
    w->errors.error_exit = give_up;
    w->errors.emit_message = ignore_message;
    w->optimises = optimises && jpeg_optimise_knows(&w->errors);
    int code = encode(w, pixels, size, bands, settings);
    jpeg_destroy_compress(&w->own.jpeg);
    if (code)
        free(w->file);
    else
        *out = bytes_give(w->file, w->size);
    free(w);
    return code;
}

/* ---- whether the linked libjpeg works as its headers say ---- */

static pthread_once_t trial_once = PTHREAD_ONCE_INIT;
static bool trial_passed; /* written once */

/* One small picture, as we optimise its tables and as libjpeg does. */
static void trial(void)
{
    enum { SIDE = 48, BANDS = 3 };
    const struct jpeg_settings settings = {.quality = 80, .optimised = true};
    const struct plan_size size = {SIDE, SIDE};
    unsigned char pixels[SIDE * SIDE * BANDS];
    struct bytes ours, theirs;
    for (unsigned i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i * i >> 5 ^ i);
    if (encode_as(false, pixels, size, BANDS, &settings, &theirs))
        return;
    if (!encode_as(true, pixels, size, BANDS, &settings, &ours)) {
        trial_passed = ours.size == theirs.size && memcmp(ours.data, theirs.data, ours.size) == 0;
        bytes_free(&ours);
    }
    bytes_free(&theirs);
}

int jpeg_write(const unsigned char *pixels, struct plan_size size, unsigned bands,
               const struct jpeg_settings *settings, struct bytes *out)
{
    pthread_once(&trial_once, trial);
    return encode_as(trial_passed, pixels, size, bands, settings, out);
}
