/* STS: who am I (Query protocol, version 2011-06-15). Nothing is assumed and nothing is handed out. */
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "cloud.h"
