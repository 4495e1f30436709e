/* Lorenz-96 with classical Runge-Kutta steps, as fast as C goes: the yardstick of integration.py.
 *
 * Members are integrated in blocks as wide as a vector register, site by site: one sweep over the
 * ring does all four stages of a step, each one site behind the one before, so that the stages
 * live in registers and a state is read and written once a step. A block takes all its steps
 * before the next begins, so that small rings stay in the first cache.
 *
 * cc -O3 -march=native -shared -fPIC -pthread -DREAL=double (or float)
 */
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#ifndef REAL
#define REAL double
#endif

typedef REAL lanes __attribute__((vector_size(64)));
enum { LANES = 64 / sizeof(REAL), LEFT = 8, RIGHT = 4, MOST_THREADS = 64 };

typedef struct {
    REAL *states; /* [members, n] */
    size_t first, last, members, n, steps;
    REAL forcing, dt;
    int failed;
} job;

/* One step of x [n], n >= LEFT, which has room for LEFT sites before it and RIGHT behind. */
static void step(lanes *x, ptrdiff_t n, REAL forcing, REAL dt)
{
    const REAL half = dt / 2, third = dt / 3, sixth = dt / 6;
    lanes x0, x1, x2, x3, a0, a1 = {0}, a2 = {0}, a3 = {0}; /* x and sums: sites i-2..i+1, i..i-3 */
    lanes y0 = {0}, y1 = {0}, y2 = {0}, y3 = {0};           /* second stage: sites i-3..i */
    lanes z0 = {0}, z1 = {0}, z2 = {0}, z3 = {0};           /* third: i-4..i-1 */
    lanes w0 = {0}, w1 = {0}, w2 = {0}, w3 = {0};           /* fourth: i-5..i-2 */

    for (ptrdiff_t i = 0; i < LEFT; i++) x[i - LEFT] = x[n + i - LEFT];
    for (ptrdiff_t i = 0; i < RIGHT; i++) x[n + i] = x[i];
    x0 = x[-8], x1 = x[-7], x2 = x[-6];
    for (ptrdiff_t i = -6; i < n + 3; i++) {
        lanes k;
        x3 = x[i + 1];
        k = (x3 - x0) * x1 - x2 + forcing; /* first tendency, at i */
        a0 = x2 + sixth * k;
        y0 = y1, y1 = y2, y2 = y3, y3 = x2 + half * k;
        k = (y3 - y0) * y1 - y2 + forcing; /* second, at i - 1 */
        a1 += third * k;
        z0 = z1, z1 = z2, z2 = z3, z3 = x1 + half * k;
        k = (z3 - z0) * z1 - z2 + forcing; /* third, at i - 2 */
        a2 += third * k;
        w0 = w1, w1 = w2, w2 = w3, w3 = x0 + dt * k;
        k = (w3 - w0) * w1 - w2 + forcing; /* fourth, at i - 3 */
        if (i >= 3) x[i - 3] = a3 + sixth * k;
        a3 = a2, a2 = a1, a1 = a0;
        x0 = x1, x1 = x2, x2 = x3;
    }
}

static void *work(void *argument)
{
    job *j = argument;
    const size_t room = sizeof(lanes) * (j->n + LEFT + RIGHT);
    lanes *block = aligned_alloc(64, room);
    if (!block) {
        j->failed = 1;
        return NULL;
    }
    memset(block, 0, room);
    lanes *x = block + LEFT;
    for (size_t b = j->first; b < j->last; b++) {
        REAL *states = j->states + b * LANES * j->n;
        const size_t left = j->members - b * LANES, width = left < LANES ? left : LANES;
        for (size_t m = 0; m < width; m++)
            for (size_t i = 0; i < j->n; i++) x[i][m] = states[m * j->n + i];
        for (size_t s = 0; s < j->steps; s++) step(x, (ptrdiff_t)j->n, j->forcing, j->dt);
        for (size_t m = 0; m < width; m++)
            for (size_t i = 0; i < j->n; i++) states[m * j->n + i] = x[i][m];
    }
    free(block);
    return NULL;
}

/* Steps of all members in place, on so many threads; 0 when it was done. */
int integrate(REAL *states, size_t members, size_t n, size_t steps, REAL forcing, REAL dt,
              size_t threads)
{
    const size_t blocks = (members + LANES - 1) / LANES;
    job jobs[MOST_THREADS];
    pthread_t running[MOST_THREADS];
    int started[MOST_THREADS] = {0}, failed = 0;

    if (n < LEFT || threads < 1 || threads > MOST_THREADS) return 1;
    for (size_t t = threads; t-- > 0;) {
        jobs[t] = (job){states, blocks * t / threads, blocks * (t + 1) / threads, members, n,
                        steps,  forcing,              dt,                         0};
        if (t > 0) started[t] = !pthread_create(&running[t], NULL, work, &jobs[t]);
        if (!started[t]) work(&jobs[t]);
    }
    for (size_t t = 0; t < threads; t++) {
        if (started[t]) pthread_join(running[t], NULL);
        failed |= jobs[t].failed;
    }
    return failed;
}
