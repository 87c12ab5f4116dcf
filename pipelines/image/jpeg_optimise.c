#include "jpeg_optimise.h"

#include <string.h>

#include "container_of.h"
#include "huffman_code.h"

#if defined(__has_include)
#if __has_include(<jpegint.h>) && LIBJPEG_TURBO_VERSION_NUMBER / 1000 == 2001
#define JPEG_OPTIMISE
#endif
#endif

#ifdef JPEG_OPTIMISE

#include <jerror.h>
#include <jpegint.h>

/* Half of what libjpeg can count. */
enum { SAMPLES_MAX = 1 << 29 };

bool jpeg_optimise_knows(const struct jpeg_error_mgr *errors)
{
    return errors->last_jpeg_message == JMSG_LASTMSGCODE - 1 &&
           strstr(errors->jpeg_message_table[JMSG_COPYRIGHT], "libjpeg-turbo");
}

static boolean count_mcu(j_compress_ptr jpeg, JBLOCKROW *blocks)
{
    struct jpeg_optimise *o = container_of(jpeg, struct jpeg_optimise, jpeg);
    for (int i = 0; i < jpeg->blocks_in_MCU; i++) {
        const int component = jpeg->MCU_membership[i];
        const JCOEF *block = blocks[i][0];
        jpeg_symbols_add(&o->symbols[jpeg->cur_comp_info[component]->ac_tbl_no], block,
                         o->last_dc[component]);
        o->last_dc[component] = block[0];
    }
    return TRUE;
}

static void table_make(j_compress_ptr jpeg, JHUFF_TBL **table, const uint32_t *counts)
{
    struct huffman_code code;
    if (huffman_code_make(counts, &code))
        ERREXIT(jpeg, JERR_HUFF_CLEN_OVERFLOW);
    if (!*table)
        *table = jpeg_alloc_huff_table((j_common_ptr)jpeg);
    memcpy((*table)->bits, code.lengths, sizeof(*table)->bits);
    memcpy((*table)->huffval, code.symbols, sizeof(*table)->huffval);
    (*table)->sent_table = FALSE;
}

static void tables_make(j_compress_ptr jpeg)
{
    struct jpeg_optimise *o = container_of(jpeg, struct jpeg_optimise, jpeg);
    bool done[JPEG_OPTIMISE_TABLES] = {false};
    for (int i = 0; i < jpeg->comps_in_scan; i++) {
        uint32_t dc[HUFFMAN_SYMBOLS], ac[HUFFMAN_SYMBOLS];
        const int number = jpeg->cur_comp_info[i]->ac_tbl_no;
        if (done[number])
            continue;
        done[number] = true;
        if (jpeg_symbols_coded(&o->symbols[number], dc, ac))
            ERREXIT(jpeg, JERR_BAD_DCT_COEF);
        table_make(jpeg, &jpeg->dc_huff_tbl_ptrs[number], dc);
        table_make(jpeg, &jpeg->ac_huff_tbl_ptrs[number], ac);
    }
}

static bool is_usual(const struct jpeg_compress_struct *jpeg)
{
    size_t samples = (size_t)jpeg->image_width * jpeg->image_height * MAX_COMPS_IN_SCAN;
    bool usual = jpeg->optimize_coding && !jpeg->arith_code && !jpeg->progressive_mode &&
                 jpeg->num_scans == 1 && !jpeg->restart_interval && !jpeg->restart_in_rows &&
                 samples <= SAMPLES_MAX;
    for (int i = 0; usual && i < jpeg->comps_in_scan; i++) {
        const jpeg_component_info *c = jpeg->cur_comp_info[i];
        usual = c->dc_tbl_no == c->ac_tbl_no && c->ac_tbl_no >= 0 &&
                c->ac_tbl_no < JPEG_OPTIMISE_TABLES;
    }
    return usual;
}

void jpeg_optimise_begin(struct jpeg_optimise *o)
{
    struct jpeg_entropy_encoder *entropy = o->jpeg.entropy;
    if (!is_usual(&o->jpeg) || !entropy->encode_mcu || !entropy->finish_pass)
        return;
    entropy->encode_mcu = count_mcu;
    entropy->finish_pass = tables_make;
}

#else

bool jpeg_optimise_knows(const struct jpeg_error_mgr *errors)
{
    (void)errors;
    return false;
}

void jpeg_optimise_begin(struct jpeg_optimise *o)
{
    (void)o;
}

#endif
