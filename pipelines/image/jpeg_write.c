#include "jpeg_write.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
/* after stdio.h, which it needs */
#include <jpeglib.h>

#include "error.h"

struct jpeg_writer {
    struct jpeg_compress_struct jpeg;
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
    if (setjmp(w->failed))
        return ERR_UNSUPPORTED;
    jpeg_create_compress(&w->jpeg);
    jpeg_mem_dest(&w->jpeg, &w->file, &w->size);
    w->jpeg.image_width = size.width;
    w->jpeg.image_height = size.height;
    w->jpeg.input_components = (int)bands;
    w->jpeg.in_color_space = bands == 1 ? JCS_GRAYSCALE : JCS_RGB;
    settings_apply(&w->jpeg, settings);
    jpeg_start_compress(&w->jpeg, TRUE);
    while (w->jpeg.next_scanline < size.height) {
        size_t line = (size_t)w->jpeg.next_scanline * size.width * bands;
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + line); /* libjpeg only reads it */
        jpeg_write_scanlines(&w->jpeg, &row, 1);
    }
    jpeg_finish_compress(&w->jpeg);
    return 0;
}

int jpeg_write(const unsigned char *pixels, struct plan_size size, unsigned bands,
               const struct jpeg_settings *settings, struct bytes *out)
{
    struct jpeg_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_UNSUPPORTED;
    w->jpeg.err = jpeg_std_error(&w->errors);
    w->jpeg.client_data = w;
    w->errors.error_exit = give_up;
    w->errors.emit_message = ignore_message;
    int code = encode(w, pixels, size, bands, settings);
    jpeg_destroy_compress(&w->jpeg);
    if (code)
        free(w->file);
    else
        *out = bytes_give(w->file, w->size);
    free(w);
    return code;
}
