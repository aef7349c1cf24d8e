/* Carousel for programs in C and in whatever can call C: run models that `carousel train` wrote.
 *
 * Every function that can fail returns a carousel_status, 0 when all is well; carousel_error() then says what, where
 * and what to do. No exception leaves this library. A pointer that a function fills is left alone when it fails,
 * but for `count` of carousel_session_encode.
 *
 * Threads: any number of threads may use one model at once; one session belongs to one thread at a time. The text of an
 * error belongs to the thread that got it.
 *
 * This interface is stable: functions are added, none is changed or taken away, while CAROUSEL_ABI is the same.
 */
#pragma once

#include <stddef.h> /* NOLINT(modernize-deprecated-headers): this is C */
#include <stdint.h> /* NOLINT(modernize-deprecated-headers) */

#ifdef __cplusplus
extern "C" {
#endif

#define CAROUSEL_ABI 1

/* The numbers are those of the program's exit codes. */
typedef enum carousel_status {
  CAROUSEL_OK = 0,
  CAROUSEL_OTHER = 1,     /* also: what this model cannot do at all */
  CAROUSEL_USAGE = 2,     /* a wrong argument */
  CAROUSEL_BAD_DATA = 3,  /* an input that cannot be used */
  CAROUSEL_BAD_MODEL = 4, /* a model file or a stored state that cannot be trusted */
  CAROUSEL_RESOURCES = 6  /* no memory, or a file that cannot be read */
} carousel_status;

typedef struct carousel_model carousel_model;
typedef struct carousel_session carousel_session;

/* CAROUSEL_ABI of the library that is linked. */
int carousel_abi(void);
/* Why the last call that failed on this thread failed; "" before there was one. Valid until the next one fails. */
const char* carousel_error(void);

/* Loads a model file. Free it with carousel_model_free; its sessions live on. */
carousel_status carousel_model_load(const char* file, carousel_model** model);
void carousel_model_free(carousel_model* model);

/* What the model is, as one JSON object: "task", "parameters" and "rows", name and value for people. Valid as long as
 * the model. */
carousel_status carousel_model_info(carousel_model* model, const char** json);

/* The best answer to one line of UTF-8 text, whatever the task: what `carousel predict` prints. Free the answer with
 * carousel_text_free. */
carousel_status carousel_model_predict(carousel_model* model, const char* line, char** answer);
void carousel_text_free(char* text);

/* A session: one sequence that the model reads as it comes, a step at a time. It takes a model that answers at each
 * step of its input; carousel_error() gives the reason where one does not. */
carousel_status carousel_session_open(carousel_model* model, carousel_session** session);
void carousel_session_close(carousel_session* session);

/* Sizes that never change; 0 for a null session. */
int64_t carousel_session_vocab_size(const carousel_session* session);  /* symbols are 0 .. this - 1; 0: reads frames */
int64_t carousel_session_input_size(const carousel_session* session);  /* numbers of a frame */
int64_t carousel_session_output_size(const carousel_session* session); /* numbers of an answer */
size_t carousel_session_state_bytes(const carousel_session* session);
/* The symbol that a sequence begins with (of a language model the line end), or -1. */
int32_t carousel_session_begin_symbol(const carousel_session* session);

/* Threads of a step: 1, as at first, or 2. With 2 another thread does half of each layer that has 256 KiB of weights
 * (an LSTM from about 90 units on); it spins for some 50 microseconds after each step and then sleeps. The bits are
 * the same. */
carousel_status carousel_session_set_threads(carousel_session* session, int64_t threads);

/* Symbols of a UTF-8 text. `count`: in, the room in `symbols`; out, how many there are. Where the room is too small
 * (CAROUSEL_USAGE) `count` is set and nothing is written; with symbols = NULL and a room of 0 it only counts. */
carousel_status carousel_session_encode(const carousel_session* session, const char* text, int32_t* symbols,
                                        int64_t* count);
/* The text of symbols. Free it with carousel_text_free. */
carousel_status carousel_session_decode(const carousel_session* session, const int32_t* symbols, int64_t count,
                                        char** text);

/* Reads one step. `answer` (may be NULL) points at output_size numbers, the answer to all that was read, valid until
 * the next call for this session. Of a language model: the logits of the next symbol. Neither allocates nor locks,
 * except with cells that have no fused kernel. After a failure the session is as it was. */
carousel_status carousel_session_step(carousel_session* session, int32_t symbol, const float** answer);
/* `frame`: input_size numbers. */
carousel_status carousel_session_step_frame(carousel_session* session, const float* frame, const float** answer);
/* The same for a chunk of at least one step; the answer is the last one. However a sequence is cut into chunks, the
 * bits are the same. */
carousel_status carousel_session_feed(carousel_session* session, const int32_t* symbols, int64_t count,
                                      const float** answer);
carousel_status carousel_session_feed_frames(carousel_session* session, const float* frames, int64_t count,
                                             const float** answer);

/* Where the sequence stands, as carousel_session_state_bytes bytes, from which any session of the same model goes on.
 */
carousel_status carousel_session_save(const carousel_session* session, void* bytes, size_t size);
carousel_status carousel_session_restore(carousel_session* session, const void* bytes, size_t size);
/* A session of its own, on one thread, that stands where this one does. */
carousel_status carousel_session_fork(const carousel_session* session, carousel_session** fork);
/* Remembers this place; rewind goes back to it, any number of times. At first it is the beginning. */
carousel_status carousel_session_mark(carousel_session* session);
carousel_status carousel_session_rewind(carousel_session* session);

#ifdef __cplusplus
}
#endif
