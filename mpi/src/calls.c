/* What Farfield asks of MPI. Errors end the job (MPI_ERRORS_ARE_FATAL, the default). */
#include <mpi.h>
#include <sched.h>
#include <stddef.h>
#include <time.h>

/* Numbers of one message: counts are ints. */
#define MOST ((size_t)1 << 27)

/* Starts MPI for calls from one thread at a time; 0, or 1 if that cannot be had. */
int farfield_mpi_start(int *rank, int *ranks) {
    int given = 0;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &given) != MPI_SUCCESS || given < MPI_THREAD_SERIALIZED)
        return 1;
    MPI_Comm_rank(MPI_COMM_WORLD, rank);
    MPI_Comm_size(MPI_COMM_WORLD, ranks);
    return 0;
}

void farfield_mpi_send(int to, const double *numbers, size_t count) {
    do {
        int part = (int)(count < MOST ? count : MOST);
        MPI_Send(numbers, part, MPI_DOUBLE, to, 0, MPI_COMM_WORLD);
        numbers += part;
        count -= part;
    } while (count > 0);
}

/* Waits without keeping a core busy: other processes and threads may need it. */
static void wait_for(int from) {
    struct timespec moment = {0, 20000};
    for (int looks = 0, there = 0;; looks++) {
        MPI_Iprobe(from, 0, MPI_COMM_WORLD, &there, MPI_STATUS_IGNORE);
        if (there)
            return;
        if (looks < 1000)
            sched_yield();
        else
            nanosleep(&moment, NULL);
    }
}

void farfield_mpi_receive(int from, double *numbers, size_t count) {
    do {
        int part = (int)(count < MOST ? count : MOST);
        wait_for(from);
        MPI_Recv(numbers, part, MPI_DOUBLE, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        numbers += part;
        count -= part;
    } while (count > 0);
}

void farfield_mpi_end(void) { MPI_Finalize(); }

void farfield_mpi_abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }
