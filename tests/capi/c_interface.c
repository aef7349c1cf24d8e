/* A program in C11 that uses every function of carousel.h: c_interface LM_MODEL PAIRS_MODEL OTHER_LM_MODEL. Prints the
 * first expectation that does not hold and ends with 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "carousel.h"

#define EXPECT(condition)                                                                  \
  do {                                                                                     \
    if (!(condition)) {                                                                    \
      printf("line %d: %s; the last error: %s\n", __LINE__, #condition, carousel_error()); \
      exit(1);                                                                             \
    }                                                                                      \
  } while (0)
#define EXPECT_ERROR(wanted, call, text)           \
  do {                                             \
    EXPECT((call) == (wanted));                    \
    EXPECT(strcmp(carousel_error(), (text)) == 0); \
  } while (0)

static int same(const float* a, const float* b, int64_t count) {
  return memcmp(a, b, (size_t)count * sizeof *a) == 0;
}

static void use_sessions(carousel_model* model, carousel_model* other) {
  carousel_session *session = NULL, *fork = NULL, *second = NULL, *foreign = NULL;
  EXPECT(carousel_session_open(model, &session) == CAROUSEL_OK);
  EXPECT(carousel_session_open(model, &second) == CAROUSEL_OK);
  EXPECT(carousel_session_open(other, &foreign) == CAROUSEL_OK);
  const int64_t outputs = carousel_session_output_size(session);
  EXPECT(outputs == carousel_session_vocab_size(session) && outputs > 3);
  EXPECT(carousel_session_input_size(session) > 0);
  const int32_t begin = carousel_session_begin_symbol(session);
  EXPECT(begin == 1);

  int64_t count = 0;
  EXPECT(carousel_session_encode(session, "round they go", NULL, &count) == CAROUSEL_OK);
  EXPECT(count == 13);
  int32_t symbols[13];
  int64_t room = 12;
  EXPECT_ERROR(CAROUSEL_USAGE, carousel_session_encode(session, "round they go", symbols, &room),
               "[c] the room must hold all symbols of the text, 13; got 12. Pass more.");
  EXPECT(room == 13);
  EXPECT(carousel_session_encode(session, "round they go", symbols, &count) == CAROUSEL_OK);
  char* text = NULL;
  EXPECT(carousel_session_decode(session, symbols, count, &text) == CAROUSEL_OK);
  EXPECT(strcmp(text, "round they go") == 0);
  carousel_text_free(text);
  EXPECT(carousel_session_encode(session, "\xff", symbols, &count) == CAROUSEL_BAD_DATA);

  EXPECT(carousel_session_set_threads(session, 2) == CAROUSEL_OK);
  EXPECT_ERROR(CAROUSEL_USAGE, carousel_session_set_threads(session, 3),
               "[stream] a step runs on 1 or 2 threads; got 3. Use 1 or 2.");
  EXPECT(carousel_session_set_threads(NULL, 1) == CAROUSEL_USAGE);

  /* Steps, chunks, forks and stored states: the same bits. */
  const float* answer = NULL;
  float* wanted = malloc((size_t)outputs * sizeof *wanted);
  EXPECT(carousel_session_step(session, begin, NULL) == CAROUSEL_OK);
  EXPECT(carousel_session_feed(session, symbols, 13, &answer) == CAROUSEL_OK);
  memcpy(wanted, answer, (size_t)outputs * sizeof *wanted);
  EXPECT(carousel_session_step(second, begin, &answer) == CAROUSEL_OK);
  EXPECT(carousel_session_mark(second) == CAROUSEL_OK);
  for (int i = 0; i < 6; ++i) EXPECT(carousel_session_step(second, symbols[i], &answer) == CAROUSEL_OK);
  EXPECT(carousel_session_fork(second, &fork) == CAROUSEL_OK);
  EXPECT(carousel_session_feed(fork, symbols + 6, 7, &answer) == CAROUSEL_OK && same(answer, wanted, outputs));
  const size_t bytes = carousel_session_state_bytes(second);
  EXPECT(bytes > 80);
  char* state = malloc(bytes);
  EXPECT(carousel_session_save(second, state, 3) == CAROUSEL_USAGE);
  EXPECT(strncmp(carousel_error(), "[c] the room for a state must be ", 33) == 0);
  EXPECT(carousel_session_save(second, state, bytes) == CAROUSEL_OK);
  EXPECT(carousel_session_restore(session, state, bytes) == CAROUSEL_OK);
  EXPECT(carousel_session_feed(session, symbols + 6, 7, &answer) == CAROUSEL_OK && same(answer, wanted, outputs));
  EXPECT(carousel_session_rewind(second) == CAROUSEL_OK);
  EXPECT(carousel_session_feed(second, symbols, 13, &answer) == CAROUSEL_OK && same(answer, wanted, outputs));
  EXPECT(carousel_session_restore(foreign, state, bytes) == CAROUSEL_BAD_MODEL);
  EXPECT(strstr(carousel_error(), "got one of another model. Load that model, or begin anew.") != NULL);
  EXPECT(carousel_session_restore(session, state, 7) == CAROUSEL_BAD_MODEL);

  EXPECT(carousel_session_step(session, -1, &answer) == CAROUSEL_USAGE);
  EXPECT(carousel_session_feed(session, symbols, -1, &answer) == CAROUSEL_USAGE);
  EXPECT(strcmp(carousel_error(), "[c] a count must be at least 0; got -1. Pass it.") == 0);
  EXPECT(carousel_session_feed(session, symbols, 0, &answer) == CAROUSEL_USAGE);
  const float frame[1000] = {0};
  EXPECT(carousel_session_step_frame(session, frame, &answer) == CAROUSEL_USAGE);
  EXPECT(strstr(carousel_error(), "[stream] this model reads symbols") != NULL);
  free(state);
  free(wanted);
  carousel_session_close(session);
  carousel_session_close(fork);
  carousel_session_close(second);
  carousel_session_close(foreign);
}

static void refuse_null(carousel_model* model) {
  carousel_session* session = NULL;
  const float* answer = NULL;
  EXPECT_ERROR(CAROUSEL_USAGE, carousel_model_load(NULL, &model),
               "[c] file must point at something; got NULL. Pass it.");
  EXPECT(carousel_model_load("x", NULL) == CAROUSEL_USAGE);
  EXPECT(carousel_model_info(NULL, NULL) == CAROUSEL_USAGE);
  EXPECT(carousel_model_predict(model, NULL, NULL) == CAROUSEL_USAGE);
  EXPECT(carousel_session_open(NULL, &session) == CAROUSEL_USAGE && session == NULL);
  EXPECT(carousel_session_step(NULL, 1, &answer) == CAROUSEL_USAGE && answer == NULL);
  EXPECT(carousel_session_feed(NULL, NULL, 1, &answer) == CAROUSEL_USAGE);
  EXPECT(carousel_session_step_frame(NULL, NULL, &answer) == CAROUSEL_USAGE);
  EXPECT(carousel_session_save(NULL, NULL, 0) == CAROUSEL_USAGE);
  EXPECT(carousel_session_restore(NULL, NULL, 0) == CAROUSEL_USAGE);
  EXPECT(carousel_session_fork(NULL, &session) == CAROUSEL_USAGE);
  EXPECT(carousel_session_mark(NULL) == CAROUSEL_USAGE && carousel_session_rewind(NULL) == CAROUSEL_USAGE);
  EXPECT(carousel_session_encode(NULL, "a", NULL, NULL) == CAROUSEL_USAGE);
  EXPECT(carousel_session_decode(NULL, NULL, 0, NULL) == CAROUSEL_USAGE);
  EXPECT(carousel_session_vocab_size(NULL) == 0 && carousel_session_begin_symbol(NULL) == -1);
  EXPECT(carousel_session_output_size(NULL) == 0 && carousel_session_input_size(NULL) == 0);
  EXPECT(carousel_session_state_bytes(NULL) == 0);
  carousel_session_close(NULL);
  carousel_model_free(NULL);
  carousel_text_free(NULL);
}

int main(int argc, char** argv) {
  carousel_model *model = NULL, *pairs = NULL, *other = NULL;
  carousel_session* session = NULL;
  const char* json = NULL;
  char* answer = NULL;
  if (argc != 4) return 2;
  EXPECT(carousel_abi() == CAROUSEL_ABI);
  EXPECT(strcmp(carousel_error(), "") == 0);
  EXPECT(carousel_model_load("/no/such/file", &model) != CAROUSEL_OK && model == NULL);
  EXPECT(strstr(carousel_error(), "/no/such/file") != NULL);
  EXPECT(carousel_model_load(__FILE__, &model) == CAROUSEL_BAD_MODEL && model == NULL);

  EXPECT(carousel_model_load(argv[1], &model) == CAROUSEL_OK);
  EXPECT(carousel_model_load(argv[2], &pairs) == CAROUSEL_OK);
  EXPECT(carousel_model_load(argv[3], &other) == CAROUSEL_OK);
  EXPECT(carousel_model_info(model, &json) == CAROUSEL_OK);
  EXPECT(strstr(json, "{\"schema\":\"carousel/c-info@1\",\"task\":\"lm\",\"parameters\":") == json);
  EXPECT(carousel_model_predict(pairs, "ab", &answer) == CAROUSEL_OK);
  printf("%s\n", answer); /* whoever runs this compares it with `carousel predict` */
  carousel_text_free(answer);
  EXPECT(carousel_model_predict(pairs, "\xff", &answer) == CAROUSEL_BAD_DATA);

  EXPECT_ERROR(CAROUSEL_OTHER, carousel_session_open(pairs, &session),
               "[session] a session goes with a model that answers at each step of its input; got one of task "
               "transduce, which reads all of it first. Use predict.");
  EXPECT(session == NULL);
  use_sessions(model, other);
  refuse_null(model);

  EXPECT(carousel_session_open(model, &session) == CAROUSEL_OK);
  carousel_model_free(model); /* its sessions live on */
  EXPECT(carousel_session_step(session, 1, NULL) == CAROUSEL_OK);
  carousel_session_close(session);
  carousel_model_free(pairs);
  carousel_model_free(other);
  return 0;
}
