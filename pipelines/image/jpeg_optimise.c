#include "jpeg_optimise.h"

#include <string.h>

#include "container_of.h"
#include "huffman_code.h"
#include "jpeg_bits.h"

#if defined(__has_include)
#if __has_include(<jpegint.h>) && LIBJPEG_TURBO_VERSION_NUMBER / 1000 == 2001
#define JPEG_OPTIMISE
#endif
#endif

#ifdef JPEG_OPTIMISE

#include <jerror.h>
#include <jpegint.h>

enum {
    SAMPLES_MAX = 1 << 29, /* half of what libjpeg can count */
    KEPT = 32 * 1024       /* numbers in one piece of memory */
};

bool jpeg_optimise_knows(const struct jpeg_error_mgr *errors)
{
    return errors->last_jpeg_message == JMSG_LASTMSGCODE - 1 &&
           strstr(errors->jpeg_message_table[JMSG_COPYRIGHT], "libjpeg-turbo");
}

static struct jpeg_optimise *optimise_of(j_compress_ptr jpeg)
{
    return container_of(jpeg, struct jpeg_optimise, jpeg);
}

/* Which tables a block of an MCU has. */
static int table_of(const struct jpeg_compress_struct *jpeg, int block)
{
    return jpeg->cur_comp_info[jpeg->MCU_membership[block]]->ac_tbl_no;
}

/* ---- blocks that are kept ---- */

struct jpeg_blocks {
    struct jpeg_blocks *next;
    size_t used;
    uint16_t numbers[KEPT];
};

/* Room for an MCU. */
static struct jpeg_blocks *room(struct jpeg_optimise *o)
{
    if (o->last && KEPT - o->last->used >= C_MAX_BLOCKS_IN_MCU * JPEG_KEPT_MAX)
        return o->last;
    struct jpeg_memory_mgr *memory = o->jpeg.mem;
    struct jpeg_blocks *made =
        memory->alloc_large((j_common_ptr)&o->jpeg, JPOOL_IMAGE, sizeof *made);
    made->next = NULL;
    made->used = 0;
    if (o->last)
        o->last->next = made;
    else
        o->first = made;
    return o->last = made;
}

static boolean keep_mcu(j_compress_ptr jpeg, JBLOCKROW *blocks)
{
    struct jpeg_optimise *o = optimise_of(jpeg);
    struct jpeg_blocks *kept = room(o);
    uint16_t *next = kept->numbers + kept->used;
    for (int i = 0; i < jpeg->blocks_in_MCU; i++) {
        int *last_dc = &o->last_dc[jpeg->MCU_membership[i]];
        next = jpeg_symbols_take(&o->symbols[table_of(jpeg, i)], blocks[i][0], *last_dc, next);
        *last_dc = blocks[i][0][0];
    }
    kept->used = (size_t)(next - kept->numbers);
    return TRUE;
}

/* ---- tables ---- */

struct jpeg_codes {
    struct jpeg_code dc[JPEG_OPTIMISE_TABLES], ac[JPEG_OPTIMISE_TABLES];
};

static void table_make(j_compress_ptr jpeg, JHUFF_TBL *table, const uint32_t *counts,
                       struct jpeg_code *code)
{
    struct huffman_code found;
    if (huffman_code_make(counts, &found))
        ERREXIT(jpeg, JERR_HUFF_CLEN_OVERFLOW);
    memcpy(table->bits, found.lengths, sizeof table->bits);
    memcpy(table->huffval, found.symbols, sizeof table->huffval);
    table->sent_table = FALSE;
    jpeg_code_make(&found, code);
}

static void tables_make(struct jpeg_optimise *o, struct jpeg_codes *codes)
{
    bool done[JPEG_OPTIMISE_TABLES] = {false};
    for (int i = 0; i < o->jpeg.blocks_in_MCU; i++) {
        uint32_t dc[HUFFMAN_SYMBOLS], ac[HUFFMAN_SYMBOLS];
        const int number = table_of(&o->jpeg, i);
        if (done[number])
            continue;
        done[number] = true;
        if (jpeg_symbols_coded(&o->symbols[number], dc, ac))
            ERREXIT(&o->jpeg, JERR_BAD_DCT_COEF);
        table_make(&o->jpeg, o->jpeg.dc_huff_tbl_ptrs[number], dc, &codes->dc[number]);
        table_make(&o->jpeg, o->jpeg.ac_huff_tbl_ptrs[number], ac, &codes->ac[number]);
    }
}

/* ---- writing ---- */

static void bytes_write(j_compress_ptr jpeg, const uint8_t *bytes, size_t count)
{
    struct jpeg_destination_mgr *to = jpeg->dest;
    while (count > 0) {
        const size_t part = count < to->free_in_buffer ? count : to->free_in_buffer;
        memcpy(to->next_output_byte, bytes, part);
        to->next_output_byte += part;
        to->free_in_buffer -= part;
        bytes += part;
        count -= part;
        if (to->free_in_buffer == 0 && !to->empty_output_buffer(jpeg))
            ERREXIT(jpeg, JERR_CANT_SUSPEND);
    }
}

static const uint16_t *mcu_write(j_compress_ptr jpeg, const struct jpeg_codes *codes,
                                 struct jpeg_bits *bits, const uint16_t *kept)
{
    uint8_t bytes[C_MAX_BLOCKS_IN_MCU * JPEG_BLOCK_BYTES], *end = bytes;
    for (int i = 0; i < jpeg->blocks_in_MCU; i++) {
        const int number = table_of(jpeg, i);
        kept = jpeg_bits_block(bits, kept, &codes->dc[number], &codes->ac[number], &end);
    }
    bytes_write(jpeg, bytes, (size_t)(end - bytes));
    return kept;
}

static void write_kept(j_compress_ptr jpeg)
{
    struct jpeg_optimise *o = optimise_of(jpeg);
    struct jpeg_bits bits = {0};
    struct jpeg_codes codes;
    uint8_t rest[8], *end = rest;
    tables_make(o, &codes);
    jpeg->marker->write_frame_header(jpeg);
    jpeg->marker->write_scan_header(jpeg);
    for (const struct jpeg_blocks *kept = o->first; kept; kept = kept->next) {
        const uint16_t *next = kept->numbers;
        while (next < kept->numbers + kept->used)
            next = mcu_write(jpeg, &codes, &bits, next);
    }
    jpeg_bits_end(&bits, &end);
    bytes_write(jpeg, rest, (size_t)(end - rest));
}

/* ---- hooks ---- */

static bool is_usual(const struct jpeg_compress_struct *jpeg)
{
    size_t samples = (size_t)jpeg->image_width * jpeg->image_height * MAX_COMPS_IN_SCAN;
    bool usual = jpeg->optimize_coding && !jpeg->arith_code && !jpeg->scan_info &&
                 !jpeg->restart_interval && !jpeg->restart_in_rows && samples <= SAMPLES_MAX &&
                 jpeg->num_components <= MAX_COMPS_IN_SCAN;
    for (int i = 0; usual && i < jpeg->num_components; i++) {
        const int number = jpeg->comp_info[i].ac_tbl_no;
        usual = number == jpeg->comp_info[i].dc_tbl_no && number >= 0 &&
                number < JPEG_OPTIMISE_TABLES && jpeg->dc_huff_tbl_ptrs[number] &&
                jpeg->ac_huff_tbl_ptrs[number];
    }
    return usual;
}

void jpeg_optimise_start(struct jpeg_optimise *o)
{
    const bool usual = is_usual(&o->jpeg);
    if (usual)
        o->jpeg.optimize_coding = FALSE;
    jpeg_start_compress(&o->jpeg, TRUE);
    if (!usual)
        return;
    o->jpeg.master->call_pass_startup = FALSE;
    o->jpeg.entropy->encode_mcu = keep_mcu;
    o->jpeg.entropy->finish_pass = write_kept;
}

#else

bool jpeg_optimise_knows(const struct jpeg_error_mgr *errors)
{
    (void)errors;
    return false;
}

void jpeg_optimise_start(struct jpeg_optimise *o)
{
    jpeg_start_compress(&o->jpeg, TRUE);
}

#endif
