/* Below all other files of the engine, so that each of them can report that something has ended. */
#include "engine_private.h"

void engine_update(struct engine *engine)
{
    if (engine->draining || engine->closing || engine->retired || engine->deliveries.regrouping)
        uv_timer_start(&engine->turn, engine->on_turn, 0, 0);
}
