#include "paint.h"

void canvas_shade(struct canvas *canvas, shader *paint)
{
    for (int row = 0; row < canvas->height; row++) {
        for (int column = 0; column < canvas->width; column++) {
            float x = ((float)column + 0.5f) / (float)canvas->height;
            float y = ((float)row + 0.5f) / (float)canvas->height;

            canvas->pixels[row * canvas->width + column] = paint(x, y, canvas);
        }
    }
}

float canvas_aspect(const struct canvas *canvas)
{
    return (float)canvas->width / (float)canvas->height;
}
