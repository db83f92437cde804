#include "core/cnn/script/code_depth.h"

#include "core/runtime/error.h"

#include <torch/csrc/jit/frontend/lexer.h>

#include <algorithm>
#include <vector>

namespace cumulens {
namespace {

namespace jit = torch::jit;

class DepthMeter {
 public:
  void see(int token) {
    switch (token) {
      case '(':
      case '[':
      case '{':
        add();
        operators_.push_back(0);
        break;
      case ')':
      case ']':
      case '}':
        if (operators_.size() > 1) {
          restart();
          operators_.pop_back();
        }
        break;
      case ',':
      case ':':
        restart();
        break;
      case jit::TK_NEWLINE:
        while (operators_.size() > 1) operators_.pop_back();
        operators_.front() = open_ = 0;
        break;
      case jit::TK_INDENT:
        ++indentation_;
        break;
      case jit::TK_DEDENT:
        --indentation_;
        break;
      case jit::TK_IDENT:
      case jit::TK_NUMBER:
      case jit::TK_STRINGLITERAL:
        break;
      default:
        add();
    }
    deepest_ = std::max(deepest_, indentation_ + static_cast<int>(operators_.size()) + open_);
  }
  int deepest() const { return deepest_; }

 private:
  void add() {
    ++operators_.back();
    ++open_;
  }
  void restart() {
    open_ -= operators_.back();
    operators_.back() = 0;
  }

  int indentation_ = 0;
  int open_ = 0;                   // the sum of
  std::vector<int> operators_{0};  // of each open bracket, since its last comma
  int deepest_ = 0;
};

}  // namespace

int codeDepth(const std::shared_ptr<jit::Source>& source) {
  jit::Lexer lexer(source);
  DepthMeter meter;
  while (lexer.cur().kind != jit::TK_EOF) {
    check(lexer.cur().kind != jit::TK_ELIF, ErrorCode::format, "'", source->filename().value_or("the code"),
          "' in the archive has 'elif', which exported code does not");
    meter.see(lexer.next().kind);
  }
  return meter.deepest();
}

}  // namespace cumulens
